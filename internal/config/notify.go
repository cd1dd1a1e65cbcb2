package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"rawlogs/internal/near"
)

// Notify is who hears what became of a command. The addresses are secrets: whoever has
// one can say that all is well.
type Notify struct {
	Whole Secret // pinged once for the command, whatever its networks; "" is none
	Own   Secret // pinged for this network of several; "" is none
	Hooks []Hook // those for all networks, then this network's own
	// Refused is why what ingest.yaml names is not followed, an *Error; nil where it is.
	// It is left out of the rest then.
	Refused error
}

// Hook is a webhook that hears of changes.
type Hook struct {
	Name    string // where it is configured, for people
	URL     Secret
	Headers map[string]Secret
	On      []string // of Events; none means all
	Days    int      // how long before an hour is lost it hears of that
}

// Events are what a webhook may hear of. The names are a promise.
func Events() []string { return []string{"failed", "recovered", "files_failed", "hours_expiring"} }

// hookDays is the default of Hook.Days: a week holds a weekend in which nobody looks.
const hookDays = 7

// hookKeys are those of a member of notify:.
func hookKeys() []string { return []string{"url", "url_file", "headers_file", "on", "days"} }

// Secrets are the texts of n that must not be shown.
func (n Notify) Secrets() []string {
	secrets := []string{string(n.Whole), string(n.Own)}
	for _, h := range n.Hooks {
		secrets = append(secrets, string(h.URL))
		for _, value := range h.Headers {
			secrets = append(secrets, string(value))
		}
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
}

// Secrets are the texts that the settings hold and nothing may show.
func (c *Config) Secrets() []string {
	secrets := slices.DeleteFunc(append(append(c.SignIn.Secrets(), c.Notify.Secrets()...), string(c.privacyKey)), func(s string) bool { return s == "" })
	if u, err := url.Parse(c.Store); err == nil {
		for _, password := range []string{u.Query().Get("password"), passwordOf(u)} {
			if password != "" {
				secrets = append(secrets, password)
			}
		}
	}
	return secrets
}

func passwordOf(u *url.URL) string {
	password, _ := u.User.Password()
	return password
}

// parseNotify reads who hears what became of a command. A member of networks: adds to what
// stands at the top of the file, which is about the command as a whole.
func (l *Layers) parseNotify(c *Config, log *slog.Logger) error {
	feeds := l.feeds(c)
	own, hooks, err := l.notified(&c.Notify, feeds, log)
	if err != nil {
		return err
	}
	if l.top == nil {
		c.Notify.Whole, c.Notify.Hooks = own, hooks
		return nil
	}
	c.Notify.Own = own
	whole, common, err := l.top.notified(&c.Notify, feeds, slog.New(slog.DiscardHandler)) // the same for each member: said at the first
	c.Notify.Whole, c.Notify.Hooks = whole, append(common, hooks...)
	return err
}

// notified reads one layer's ping and webhooks, or leaves them out and says in n why.
func (l *Layers) notified(n *Notify, feeds string, log *slog.Logger) (ping Secret, hooks []Hook, err error) {
	for _, key := range []string{"ping_url", "ping_url_file", "notify"} {
		if feeds != "" && l.stands(key) { //guard:found-notify
			n.Refused = l.notFollowed(key, "what becomes of "+feeds+" would be told there")
			return "", nil, nil
		}
	}
	if ping, err = l.secret("ping_url", log); err != nil {
		return "", nil, err
	}
	if err = checkTarget(string(ping)); ping != "" && err != nil {
		return "", nil, l.wrong("ping_url", fmt.Errorf("ping_url: %w", err))
	}
	if hooks, err = l.hooks(log); err != nil {
		return "", nil, l.wrong("notify", err)
	}
	return ping, hooks, nil
}

// checkTarget looks at an address to POST to. The error does not repeat it.
func checkTarget(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("want an address like https://HOST/PATH")
	}
	return nil
}

// hook is a member of notify: as it is written.
type hook struct {
	URL         string          `json:"url"`
	URLFile     string          `json:"url_file"`
	HeadersFile string          `json:"headers_file"`
	On          json.RawMessage `json:"on"` // a list, or one
	Days        *int            `json:"days"`
}

// joinHooks keeps notify: of ingest.yaml as JSON, which is what the variable may hold, too.
func joinHooks(value any) (string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, one := range list {
		if _, ok := one.(map[string]any); !ok {
			return "", errors.New("notify: want a list whose members are like {url_file: secrets/hook, on: [failed, recovered]}")
		}
	}
	text, err := json.Marshal(list)
	return string(text), err
}

// hooks reads the webhooks: a list in JSON, or the address of one.
func (l *Layers) hooks(log *slog.Logger) ([]Hook, error) {
	text := l.text("notify")
	if text == "" {
		return nil, nil
	}
	written := []hook{{URL: text}}
	if strings.HasPrefix(text, "[") {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		written = nil
		if err := decoder.Decode(&written); err != nil {
			return nil, errors.New("notify: want an address, or a list of webhooks like [{\"url\": …, \"on\": [\"failed\"]}]") // the text may hold a secret
		}
	}
	var hooks []Hook
	for i, w := range written {
		h, err := l.hook(w, log)
		if err != nil {
			return nil, fmt.Errorf("notify %d: %w", i+1, err)
		}
		h.Name = fmt.Sprintf("%s: notify %d", l.origins["notify"], i+1)
		hooks = append(hooks, h)
	}
	return hooks, nil
}

func (l *Layers) hook(w hook, log *slog.Logger) (Hook, error) {
	h := Hook{URL: Secret(clean(w.URL)), Days: hookDays}
	from := l.origins["notify"]
	switch {
	case (w.URL == "") == (w.URLFile == ""):
		return h, errors.New("want a url, or a url_file that holds it")
	case w.URLFile != "":
		text, err := readSecret(from.beside(w.URLFile), "address", log)
		if err != nil {
			return h, err
		}
		h.URL = Secret(text)
	}
	if err := checkTarget(string(h.URL)); err != nil {
		return h, err
	}
	if w.HeadersFile != "" {
		var err error
		if h.Headers, err = readHeaders(from.beside(w.HeadersFile)); err != nil {
			return h, err
		}
	}
	if w.Days != nil {
		if h.Days = *w.Days; h.Days < 1 || h.Days > 366 {
			return h, fmt.Errorf("days: %d: want a number from 1 to 366", h.Days)
		}
	}
	var err error
	h.On, err = parseOn(w.On)
	return h, err
}

// parseOn reads the events of a webhook: a list, or one.
func parseOn(text json.RawMessage) ([]string, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	var on []string
	if err := json.Unmarshal(text, &on); err != nil {
		on = make([]string, 1)
		if err := json.Unmarshal(text, &on[0]); err != nil {
			return nil, errors.New("on: want a list of " + strings.Join(Events(), ", "))
		}
	}
	for _, event := range on {
		if !slices.Contains(Events(), event) {
			meant := ""
			if n := near.Of(event, Events()); n != "" {
				meant = fmt.Sprintf(": did you mean %s?", n)
			}
			return nil, fmt.Errorf("on: unknown %q%s: want %s", event, meant, strings.Join(Events(), ", "))
		}
	}
	return on, nil
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// readHeaders reads lines like Authorization: Bearer ….
func readHeaders(path string) (map[string]Secret, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	headers := map[string]Secret{}
	n := 0
	for line := range strings.Lines(decode(string(raw))) {
		n++
		if line = strings.TrimFunc(line, padding); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || !headerName.MatchString(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("%s: line %d: want NAME: VALUE", path, n)
		}
		headers[name] = Secret(value)
	}
	return headers, nil
}

// notifyRisks are those of the addresses that hear what became of a command.
func (l *Layers) notifyRisks(c *Config) (risks []string) {
	inClear := func(name string, address Secret) {
		if u, err := url.Parse(string(address)); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
			risks = append(risks, name+" is http: the address, which is a secret, and what is sent travel in clear; use https")
		}
	}
	inClear("ping_url", c.Notify.Whole)
	inClear("ping_url", c.Notify.Own)
	for _, h := range c.Notify.Hooks {
		inClear(h.Name, h.URL)
	}
	if c.Notify.Whole+c.Notify.Own != "" && l.text("ping_url") != "" && othersRead(l.origins["ping_url"]) {
		risks = append(risks, fmt.Sprintf("%s: others can read ping_url in this file; chmod 600 it, or use ping_url_file or INGEST_PING_URL", l.origins["ping_url"]))
	}
	if strings.Contains(l.text("notify"), `"url":`) && othersRead(l.origins["notify"]) {
		risks = append(risks, fmt.Sprintf("%s: others can read a url of notify in this file; chmod 600 it, or use url_file", l.origins["notify"]))
	}
	return risks
}
