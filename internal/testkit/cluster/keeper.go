package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"rawlogs/internal/ended"
)

// keeper is a ZooKeeper, which replicas need.
type keeper struct {
	dir  string
	port int

	mu      sync.Mutex // it is stopped and started again by who knows of each other by the store alone
	command *exec.Cmd
}

// classes is where Debian's package has its programs.
const classes = "/usr/share/java/zookeeper.jar"

// ErrNoKeeper means that this machine has no ZooKeeper.
var ErrNoKeeper = errors.New("no ZooKeeper here (apt-get install libzookeeper-java default-jre-headless)")

func (k *keeper) start() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := os.Stat(classes); err != nil {
		return errors.Join(ErrNoKeeper, err)
	}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return err
	}
	config := filepath.Join(k.dir, "zoo.cfg")
	text := fmt.Sprintf("tickTime=1000\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n", filepath.Join(k.dir, "data"), k.port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(k.dir, "log"))
	if err != nil {
		return err
	}
	k.command = exec.Command("java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", classes, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config)
	k.command.Stdout, k.command.Stderr = log, log
	err = k.command.Start()
	if err = errors.Join(err, log.Close()); err != nil {
		k.command = nil
		return fmt.Errorf("starting ZooKeeper: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", k.port))
		if err == nil {
			return conn.Close()
		}
		if failed := ended.Wait(ctx, 50*time.Millisecond); failed != nil {
			return errors.Join(fmt.Errorf("ZooKeeper does not listen: %w", err), k.kill())
		}
	}
}

// stop ends it at once: what it acknowledged is on its disk.
func (k *keeper) stop() error {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kill()
}

func (k *keeper) kill() error {
	if k.command == nil {
		return nil
	}
	err := k.command.Process.Kill()
	_ = k.command.Wait() // it was killed
	k.command = nil
	return err
}
