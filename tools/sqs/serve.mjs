// Starts an SQS server on a free port of the loopback interface, prints its address, and
// ends when its standard input does: with the process that started it, however that ends.
import { isBuiltin, register } from "node:module";

// It keeps queues in memory here, and asks for SQLite all the same, which older Node.js has not.
if (!isBuiltin("node:sqlite")) {
  const hooks = `export const resolve = (specifier, context, next) => specifier === "node:sqlite"
    ? { url: "data:text/javascript,export class DatabaseSync {}", shortCircuit: true }
    : next(specifier, context);`;
  register("data:text/javascript," + encodeURIComponent(hooks));
}
const { startFauxqs } = await import("fauxqs");
const server = await startFauxqs({ host: "127.0.0.1", port: 0, logger: false, defaultRegion: "eu-west-1" });
console.log(`http://127.0.0.1:${server.port}`);
process.stdin.on("end", () => process.exit(0)).resume();
