package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// childStress is the argument that makes this program eat memory bandwidth until it is ended.
const childStress = "stress"

// stressBytes is larger than the caches of a processor: each copy goes to memory and back.
const stressBytes = 256 << 20

// stressChild copies memory, on one thread, until the process that started it closes its input.
func stressChild(args []string) error {
	if len(args) != 0 {
		return fmt.Errorf("%s: want no arguments", childStress)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = os.Stdin.Read(make([]byte, 1)) // nothing is ever written to it
	}()
	from, to := make([]byte, stressBytes), make([]byte, stressBytes)
	for i := range from {
		from[i] = byte(i) // or all of its pages would be the same one
	}
	for {
		for at := 0; at < len(from); at += 1 << 20 {
			copy(to[at:at+1<<20], from[at:at+1<<20])
			select {
			case <-ended:
				return nil
			default:
			}
		}
		from, to = to, from
	}
}

// stress starts a process that eats memory bandwidth, and returns what ends it.
func stress(ctx context.Context) (end func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, childStress)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("stress: %w", err)
	}
	return func() error { return errors.Join(input.Close(), cmd.Wait()) }, nil
}
