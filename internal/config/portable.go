package config

import (
	"cmp"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
)

// Portable is what a process needs that works with one network's settings elsewhere:
// in another folder, under another user, on another machine. It holds no secret, only
// where each of them is.
type Portable struct {
	Config  *Config
	Plain   []Carried
	Secrets []SecretPlace
}

// Carried is a setting as the environment gives it; a path is absolute.
type Carried struct {
	Name, Value string
	Origin      Origin // where the value stands
	Moved       bool   // it was a path relative to the working folder
}

// SecretPlace is where a secret comes from.
type SecretPlace struct {
	Name     string // token, client_secret, …; store for one whose address holds a password
	Variable string // that holds the secret
	File     string // the variable that names its file instead; "" where it has none
	Path     string // of the file that it is in now, absolute; "" where it is in Variable
	Origin   Origin
}

// Portable lists the settings of each network, as All does, without those that are the
// default.
func (l *Layers) Portable(log *slog.Logger) ([]Portable, error) {
	each, err := l.each()
	if err != nil {
		return nil, err
	}
	var all []Portable
	for _, own := range each {
		cfg, err := own.parse(log)
		if err != nil {
			return nil, err
		}
		p := Portable{Config: cfg}
		for _, s := range settings() {
			if err := own.carry(s, &p); err != nil {
				return nil, err
			}
			if own != l && s.has(apart) { // what is said of the command as a whole, beside the member's own
				if err := l.carry(s, &p); err != nil {
					return nil, err
				}
			}
		}
		if cfg.Source.Kind == API && cfg.SignIn.Way() == "" { // it will need one
			p.Secrets = append(p.Secrets, SecretPlace{Name: "token", Variable: Variable("network_token"), File: Variable("token_file"), Origin: Origin{Kind: Env, Name: Variable("network_token")}})
		}
		p.carryKeys(l.given.Getenv)
		all = append(all, p)
	}
	return all, nil
}

// File is the path of ingest.yaml or what was named in its place; "" where none is read.
func (l *Layers) File() string { return l.file }

// carry puts one setting where it belongs.
func (l *Layers) carry(s setting, p *Portable) error {
	text, from := l.text(s.key), l.origins[s.key]
	if text == "" || from.Kind == Default {
		return nil
	}
	if s.file != "" {
		p.Secrets = append(p.Secrets, SecretPlace{Name: strings.TrimSuffix(s.file, "_file"), Variable: s.env, File: Variable(s.file), Origin: from})
		return nil
	}
	if of, ok := secretOf(s.key); ok {
		if l.text(of.key) != "" { // the secret itself is given, and wins
			return nil
		}
		path, err := filepath.Abs(text)
		if err != nil {
			return l.wrong(s.key, err)
		}
		p.Secrets = append(p.Secrets, SecretPlace{Name: strings.TrimSuffix(s.key, "_file"), Variable: of.env, File: s.env, Path: path, Origin: from})
		return nil
	}
	if s.has(secretText) || holdsPassword(text) { //guard:unit-no-password
		p.Secrets = append(p.Secrets, SecretPlace{Name: s.key, Variable: s.env, Origin: from})
		return nil
	}
	value, err := absolute(s.key, text, p.Config)
	if err != nil {
		return l.wrong(s.key, err)
	}
	p.Plain = append(p.Plain, Carried{Name: s.env, Value: value, Origin: from, Moved: value != text})
	return nil
}

// secretOf returns the secret that a setting names the file of.
func secretOf(key string) (setting, bool) {
	for _, s := range settings() {
		if s.file == key {
			return s, true
		}
	}
	return setting{}, false
}

// absolute is the text of a setting whose paths mean the same in any folder.
func absolute(key, text string, cfg *Config) (value string, err error) {
	switch {
	case key == "source" && cfg.Source.Kind == Folder:
		at := cfg.Source
		at.Folder, err = filepath.Abs(at.Folder)
		return at.String(), err
	case key == "spool", key == "engine_library":
		return filepath.Abs(text)
	case key == "store" && strings.HasPrefix(text, "embedded:"):
		path, err := filepath.Abs(strings.TrimPrefix(text, "embedded:"))
		return "embedded:" + path, err
	}
	return text, nil
}

// holdsPassword reports whether a text is an address with a password in it.
func holdsPassword(text string) bool {
	u, err := url.Parse(text)
	if err != nil { // nothing is known of it but that it may be one
		return strings.Contains(text, "://")
	}
	return u.Host != "" && withPassword(text)
}

// carryKeys adds what the AWS SDK and the HTTP client read of the environment.
func (p *Portable) carryKeys(getenv func(string) string) {
	names := []string{"HTTPS_PROXY", "NO_PROXY"}
	if p.Config.Source.Kind == Bucket {
		names = append(names, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
			if getenv(name) != "" {
				p.Secrets = append(p.Secrets, SecretPlace{Name: strings.ToLower(name), Variable: name, Origin: Origin{Kind: Env, Name: name}})
			}
		}
	}
	for _, name := range names {
		value, from := cmp.Or(getenv(name), getenv(strings.ToLower(name))), Origin{Kind: Env, Name: name}
		switch {
		case value == "":
		case holdsPassword(value):
			p.Secrets = append(p.Secrets, SecretPlace{Name: strings.ToLower(name), Variable: name, Origin: from})
		default:
			p.Plain = append(p.Plain, Carried{Name: name, Value: value, Origin: from})
		}
	}
}
