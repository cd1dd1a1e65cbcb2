package session

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"rawlogs/internal/config"
	"rawlogs/internal/notify"
	"rawlogs/internal/runs"
)

// Telling is a command that tells a monitor and webhooks what becomes of it. Whatever goes
// wrong with that is a warning, and the command's outcome stays what it is.
type Telling struct {
	Command runs.Command
	Sender  *notify.Sender
	Text    bytes.Buffer // what the command has printed for people so far

	spent time.Duration // by which the command's work has been held up
}

// Tell does a command's work on networks. do is handed a function that makes a Job one
// whose network's own monitor and webhooks hear of it, too. The context ends at the second
// signal, and then nobody is told any more. Where the settings name somebody whom they may
// not, the error is a *config.Error and nothing is done.
func (n *Networks) Tell(ctx context.Context, t *Telling, all []*config.Config, do func(wrap func(Job) Job) error) error {
	for _, cfg := range all {
		if err := cfg.Notify.Refused; err != nil {
			return err
		}
	}
	ping := t.begin(ctx, "ping_url", all[0].Notify.Whole)
	err := do(func(work Job) Job {
		return func(ctx context.Context, s *Session) error { return n.tellOf(ctx, t, s, work) }
	})
	status, failure := n.outcome(err)
	var secrets []string
	for _, cfg := range all {
		secrets = append(secrets, cfg.Secrets()...)
	}
	t.within(ctx, func(ctx context.Context) {
		t.end(ctx, n, ping, status, failure, t.Text.String(), secrets)
	})
	return err
}

func (n *Networks) outcome(err error) (status int, failure error) {
	failure = n.Marked(err)
	if status = n.Status(failure); status == 0 {
		failure = nil // nobody reads its output on
	}
	return status, failure
}

// within tells something in what is left of the time that the command may be held up.
func (t *Telling) within(ctx context.Context, tell func(context.Context)) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, notify.Most-t.spent) //guard:notify-bounded
	defer cancel()
	tell(ctx)
	t.spent += time.Since(begun)
}

// begin is nil where there is nobody to tell.
func (t *Telling) begin(ctx context.Context, name string, at config.Secret) *notify.Ping {
	if at == "" {
		return nil
	}
	return t.Sender.Begin(ctx, notify.Target{Name: name, URL: string(at)}, uuid.NewString())
}

func (t *Telling) end(ctx context.Context, n *Networks, ping *notify.Ping, status int, failure error, text string, secrets []string) {
	if ping == nil {
		return
	}
	why := ""
	if failure != nil {
		why = ": " + failure.Error()
	}
	text = fmt.Sprintf("ingest %s: exit status %d%s\n%s", t.Command.Name, status, why, text)
	if err := ping.End(ctx, status, notify.Hider(secrets)(text)); err != nil {
		n.Log.Warn("the monitor could not be told; the run's outcome stays", "err", err) //guard:ping-never-fails
	}
}

// tellOf does the work on one network and tells those who hear of it alone.
func (n *Networks) tellOf(ctx context.Context, t *Telling, s *Session, work Job) error {
	ping := t.begin(ctx, "ping_url of "+s.Config.Network, s.Config.Notify.Own)
	begun, printed := time.Now(), t.Text.Len()
	err := work(ctx, s)
	status, failure := n.outcome(err)
	text := t.Text.String()[printed:]
	secrets := s.Config.Secrets()
	// The first signal ends the context of work without anything in flight; what it came to
	// is told nevertheless.
	t.within(context.WithoutCancel(ctx), func(ctx context.Context) {
		var both sync.WaitGroup
		both.Go(func() { t.end(ctx, n, ping, status, failure, text, secrets) })
		if len(s.Config.Notify.Hooks) > 0 {
			s.tellChanges(ctx, t, reportOf(t, s, begun, status, failure, text), secrets)
		}
		both.Wait()
	})
	return err
}

func reportOf(t *Telling, s *Session, begun time.Time, status int, failure error, text string) notify.Report {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	r := notify.Report{
		Network: s.Config.Network, Command: t.Command.Name, Host: host, Release: t.Command.Release,
		Begun: begun, Ended: time.Now(), Status: status, Summary: text,
	}
	if s.record != nil {
		r.Run = s.record.Run()
	}
	if failure != nil {
		r.Error = failure.Error()
	}
	return r
}

// tellChanges posts to the webhooks what has changed since the run before.
func (s *Session) tellChanges(ctx context.Context, t *Telling, r notify.Report, secrets []string) {
	since := s.before(ctx, t.Command, r)
	hide := notify.Hider(secrets)
	var all sync.WaitGroup
	for _, h := range s.Config.Notify.Hooks {
		changes := since.changes(r, h)
		all.Go(func() {
			to := notify.Target{Name: h.Name, URL: string(h.URL), Headers: map[string]string{}}
			for name, value := range h.Headers {
				to.Headers[name] = string(value)
			}
			for _, c := range changes {
				body, err := c.Message(r, hide)
				if err == nil {
					err = t.Sender.Post(ctx, to, "application/json", body)
				}
				if err != nil {
					s.Log.Warn("a webhook could not be told; the run's outcome stays", "event", string(c.Event), "err", err) //guard:hook-never-fails
				}
			}
		})
	}
	all.Wait()
}

// checkNotify looks whether those who hear of a run can be reached, and tells them nothing.
func (s *Session) checkNotify(ctx context.Context) []Finding {
	if err := s.Config.Notify.Refused; err != nil {
		return failure("monitoring", err)
	}
	sender := notify.NewSender()
	var found []Finding
	look := func(name string, at config.Secret) {
		if at == "" {
			return
		}
		f := Finding{Level: "ok", What: "monitoring", Detail: name + " can be reached; nothing was sent"}
		behind, err := sender.Probe(ctx, string(at))
		switch {
		case err != nil:
			f.Level, f.Detail, f.Hint = "warn", fmt.Sprintf("%s: %v", name, err), "a run warns of it and is not held up for longer than "+notify.Most.String()
		case behind:
			f.Detail = name + ": the proxy before it can be reached; nothing was sent"
		}
		if u, err := url.Parse(string(at)); err == nil && u.Scheme == "http" && f.Level == "ok" {
			f.Detail += " (http, without TLS)"
		}
		found = append(found, f)
	}
	look("ping_url", s.Config.Notify.Whole)
	look("ping_url of "+cmp.Or(s.Config.Network, "this network"), s.Config.Notify.Own)
	for _, h := range s.Config.Notify.Hooks {
		look(h.Name, h.URL)
	}
	return found
}
