package main

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// newHealth is the check that a container without curl can run on itself.
func newHealth(stdout io.Writer) *cobra.Command {
	var addr string
	c := asUsage(&cobra.Command{
		Use:   "health",
		Short: "ask a simnet on this machine whether it serves",
		Long:  "Exit status: 0 it serves, 1 it does not, 2 usage.",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			req, err := http.NewRequestWithContext(c.Context(), http.MethodGet, "http://"+addr+"/control/health", nil)
			if err != nil {
				return usageError{fmt.Errorf("--addr %q: want host:port", addr)}
			}
			resp, err := (&http.Client{Timeout: 3 * time.Second}).Do(req)
			if err != nil {
				return err
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("%s answers %s", addr, resp.Status)
			}
			_, err = fmt.Fprintln(stdout, "ok")
			return err
		},
	})
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "`host:port` of the API")
	return c
}
