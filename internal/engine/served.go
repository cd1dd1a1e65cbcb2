package engine

import (
	"fmt"
	"io"
	"strings"

	"rawlogs/internal/plain"
)

// Served is where an engine can be reached, and as whom. Its JSON names are a promise.
type Served struct {
	Path         string `json:"path"`
	Page         string `json:"page"` // of the status, by a process of its own
	PID          int    `json:"pid"`  // of the process that hosts ClickHouse
	Native       string `json:"native"`
	HTTP         string `json:"http"`
	Play         string `json:"play"`
	Dashboard    string `json:"dashboard"`
	User         string `json:"user"`
	Database     string `json:"database"`
	PasswordFile string `json:"password_file"`

	Reader             string `json:"reader"` // a user for analysts
	ReaderPasswordFile string `json:"reader_password_file"`
}

// Served says where the engine of a folder can be reached.
func (e *Engine) Served(path string) Served {
	at := e.Endpoint()
	file, readerFile := e.PasswordFiles()
	base := "http://" + at.HTTPAddr
	return Served{
		Path: path, PID: e.PID(), Native: at.Addr, HTTP: base, Play: base + "/play", Dashboard: base + "/dashboard",
		User: at.User, Database: at.Database, PasswordFile: file, Reader: at.ReaderUser, ReaderPasswordFile: readerFile,
	}
}

// Print writes how to connect. The password is where its file is said, unless it is
// given to be shown.
func (s Served) Print(w io.Writer, password string) error {
	host, port, _ := strings.Cut(s.Native, ":")
	if password == "" {
		password = "in " + s.PasswordFile
	}
	file := shellQuote(s.PasswordFile)
	_, err := fmt.Fprintf(w, `ClickHouse on %s
  status     %s
  SQL page   %s
  dashboard  %s
  HTTP       curl -u "%s:$(cat %s)" '%s/?database=%s&query=SELECT+count()+FROM+clicks'
  client     clickhouse-client --host %s --port %s --user %s --password "$(cat %s)" --database %s
  DSN        clickhouse://%s:PASSWORD@%s/%s
  user       %s
  password   %s
  analysts   user %s, who may only read the tables; password in %s
Ctrl-C ends it.
`, plain.Text(s.Path), s.Page, s.Play, s.Dashboard, s.User, file, s.HTTP, s.Database,
		host, port, s.User, file, s.Database, s.User, s.Native, s.Database, s.User, plain.Text(password), s.Reader, plain.Text(s.ReaderPasswordFile))
	return err
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
