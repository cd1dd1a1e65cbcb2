#!/bin/sh
# engine.sh - fetches the embedded ClickHouse into the cache folder:
#
#     ${XDG_CACHE_HOME:-~/.cache}/rawlogs/engine/VERSION/libchdb.so
#
# package.json names the version, package-lock.json its checksum, which npm
# verifies. The cache lies outside the checkout, so that a second clone fetches
# nothing. It does nothing where the file is there already, and prints its path.
set -eu

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)
package=@chdb/lib-linux-x64-gnu
library=libchdb.so

version=$(sed -n 's|.*"'"$package"'": *"\([^"]*\)".*|\1|p' "$root/package.json")
if [ -z "$version" ]; then
	echo "engine.sh: package.json names no version of $package" >&2
	exit 1
fi
if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
	echo "engine.sh: the embedded ClickHouse exists for Linux on x86-64 only;" >&2
	echo "point INGEST_STORE at a server: clickhouse://user:password@host:9000/database" >&2
	exit 1
fi
target=${XDG_CACHE_HOME:-$HOME/.cache}/rawlogs/engine/$version
if [ -f "$target/$library" ]; then
	echo "$target/$library"
	exit 0
fi
if ! command -v npm >/dev/null; then
	echo "engine.sh: npm is needed to fetch $package@$version (Debian: apt install npm)" >&2
	exit 1
fi

# Everything happens beside the target, on the same file system, so that the
# last step is one rename: who looks sees the whole library or none.
mkdir -p "$target"
work=$(mktemp -d "$target/.fetch.XXXXXX")
npm=
trap '[ -z "$npm" ] || kill "$npm" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cp "$root/.npmrc" "$work/.npmrc"
# npm leaves an optional package out without a word when it cannot be had or is
# not what the lock file says; here it is no option.
for file in package.json package-lock.json; do
	sed -e 's/"optionalDependencies"/"dependencies"/' -e '/"optional": true/d' "$root/$file" >"$work/$file"
done
echo "engine.sh: fetching $package@$version (180 MB, 570 unpacked) ..." >&2
# npm says nothing until it is done, and keeps what it fetches in a cache of its own here.
(cd "$work" && exec npm ci --cache "$work/cache" --no-progress --no-update-notifier --loglevel=error >&2) &
npm=$!
began=$(date +%s)
while ! timeout 5 tail --pid="$npm" -f /dev/null; do
	echo "engine.sh: $(($(date +%s) - began)) s, $(du -sm "$work" | cut -f1) MB on disk" >&2
done
wait "$npm"
mv "$work/node_modules/$package/$library" "$target/$library"
echo "$target/$library"
