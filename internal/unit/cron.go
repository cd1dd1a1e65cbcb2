package unit

import (
	"fmt"
	"path/filepath"
	"strings"

	"rawlogs/internal/config"
)

// Cron returns lines for the crontab of the present user, who has the present settings:
// what the output of a run is mailed to.
func (j Job) Cron(folder string) ([]File, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	if strings.ContainsAny(folder, "\n\r\x00") {
		return nil, &Error{fmt.Errorf("%q has a control character: a crontab cannot name it", folder)}
	}
	vars, err := j.variables()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	words := []string{"cd", ShellWord(folder), "&&"}
	if j.Config != "" {
		vars = append([]config.Carried{{Name: "INGEST_CONFIG", Value: j.Config}}, vars...)
	}
	asked := false
	for _, s := range j.secrets() {
		switch {
		case s.Origin.Member > 0: // ingest.yaml names its file
		case s.Path != "":
			vars = append(vars, config.Carried{Name: s.File, Value: s.Path})
		default:
			asked = true
			fmt.Fprintf(&b, "# Before the first run: %s, mode 600, has to set %s as a shell does.\n", j.envFile(folder), orWord(s.Origin.Name, s.Variable))
		}
	}
	if asked {
		words = append(words, "set", "-a", "&&", ".", ShellWord(j.envFile(folder)), "&&", "set", "+a", "&&")
	}
	for _, v := range vars {
		words = append(words, v.Name+"="+ShellWord(v.Value))
	}
	words = append(words, ShellWord(j.Program), "run", "--quiet")
	line := cronCommand(strings.Join(words, " "))
	const mostOfLine = 998 // of Debian's cron
	if len(line) > mostOfLine {
		return nil, &Error{fmt.Errorf("the line is %d bytes long, and cron reads %d: put the settings into ingest.yaml", len(line), mostOfLine)}
	}
	b.WriteString("# Exit status 3 (files with issues) and 75 (another run is at work) need no second try.\n")
	if j.When.Zone != "UTC" {
		b.WriteString("# cronie knows zones; Debian's cron does not, and runs by the machine's.\n")
	}
	fmt.Fprintf(&b, "CRON_TZ=%s\n", j.When.Zone)
	for _, at := range j.When.At {
		fmt.Fprintf(&b, "%s %s * * * %s\n", number(at[3:]), number(at[:2]), line)
	}
	return []File{{j.Name + ".crontab", b.String()}}, nil
}

func (j Job) envFile(folder string) string { return filepath.Join(folder, j.Name+".env") }

// cronCommand escapes what cron reads in a command before the shell does: an
// unescaped % is the end of the command and a line break of its input.
func cronCommand(s string) string { return strings.ReplaceAll(s, "%", `\%`) } //guard:cron-percent

// ShellWord quotes a word for sh. A line break cannot stand in a crontab, so that a
// word with one is printed by the shell. One at the word's end is lost, which no
// setting minds.
func ShellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,@+=") == "" {
		return s
	}
	quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	if !strings.ContainsAny(s, "\n\r") {
		return quoted(s)
	}
	return `"$(printf %b ` + quoted(strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(s)) + `)"`
}

// number takes the zero from the front of an hour or a minute.
func number(s string) string { return strings.TrimPrefix(s[:1], "0") + s[1:] }
