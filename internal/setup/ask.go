package setup

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rawlogs/internal/config"
	"rawlogs/internal/store"
)

// ask answers a setting: as given, or as the person says. again asks although it was given.
func (i *Interview) ask(ctx context.Context, key string, again bool) (string, error) {
	q := questions[key]
	given, from := i.given(key)
	former := i.answers[key]
	switch {
	case given != "" && !again:
		i.answers[key], i.from[key] = given, from
		return given, nil
	case i.Ask == nil || i.Defaults && q.def != "" && !again:
		i.answers[key] = q.def
		return q.def, nil
	}
	for {
		answer, err := i.Ask.Line(ctx, q.text, cmp.Or(shown(key, former), q.def))
		if err != nil {
			return "", err
		}
		if answer == shown(key, former) {
			answer = former
		}
		if answer != "" {
			if answer != given {
				from = ""
			}
			i.answers[key], i.from[key] = answer, from
			return answer, nil
		}
	}
}

// shown is an answer as it may be shown: without a store's password.
func shown(key, answer string) string {
	if key == "store" && strings.HasPrefix(answer, "clickhouse://") {
		return store.NameOf(answer)
	}
	return answer
}

func (i *Interview) askSource(ctx context.Context, again bool) error {
	source, err := i.ask(ctx, "source", again)
	if err != nil {
		return err
	}
	if i.answers["source"], err = config.AbsoluteSource(source); err != nil {
		return err
	}
	for _, w := range ways() {
		for _, key := range append(w.others, w.file) {
			delete(i.answers, key)
		}
	}
	delete(i.answers, "api_key_side")
	i.way, i.secret, i.replace = way{}, "", false
	if !api(source) {
		if network, from := i.Given("network_id"); network != "" && !again || i.Ask == nil {
			i.answers["network_id"], i.from["network_id"] = cmp.Or(network, "default"), from
			return nil
		}
		i.answers["network_id"], err = i.Ask.Line(ctx, "Name of the network, for its rows", cmp.Or(i.answers["network_id"], "default"))
		return err
	}
	if _, err = i.ask(ctx, "network_id", again); err != nil {
		return err
	}
	return i.askSignIn(ctx, again)
}

func (i *Interview) askSignIn(ctx context.Context, again bool) error {
	for {
		name, err := i.ask(ctx, "sign_in", again)
		if err != nil {
			return err
		}
		if i.way, err = wayOf(name); err == nil {
			break
		}
		if i.Ask == nil || i.from["sign_in"] != "" {
			return err
		}
		delete(i.answers, "sign_in")
		if _, err = fmt.Fprintln(i.Out, err); err != nil {
			return err
		}
	}
	if i.way.side != "" {
		i.answers["api_key_side"] = i.way.side
		if _, err := fmt.Fprintln(i.Out, "note  an api_key calls the API and asks for reports; raw logs need a token or an integrator"); err != nil {
			return err
		}
	}
	for _, key := range i.way.others {
		if _, err := i.ask(ctx, key, again); err != nil {
			return err
		}
	}
	return i.askSecret(ctx, again)
}

// askSecret finds the secret: in a file that is there, in its variable, or by asking.
func (i *Interview) askSecret(ctx context.Context, again bool) error {
	file, _ := i.Given(i.way.file)
	given, _ := i.Given(i.way.secret)
	if given != "" && file == "" && !again {
		i.secret = given
		return nil // it stays in the environment
	}
	file, err := filepath.Abs(cmp.Or(file, filepath.Join(filepath.Dir(i.File), secretName(i.answers["network_id"], i.way))))
	if err != nil {
		return err
	}
	i.answers[i.way.file] = file
	if _, err = os.Stat(file); err == nil {
		use := "y"
		if i.Ask != nil {
			if use, err = i.Ask.Line(ctx, file+" is there: use the "+i.way.noun+" in it? Otherwise another is asked for and written over it (y/n)", use); err != nil {
				return err
			}
		}
		if i.replace = strings.HasPrefix(strings.ToLower(use), "n"); !i.replace {
			return nil
		}
	}
	if i.secret = given; again {
		i.secret = ""
	}
	for i.secret == "" {
		if i.secret, err = i.Ask.Hidden(ctx, "The "+i.way.noun); err != nil {
			return err
		}
	}
	return nil
}

func (i *Interview) askStore(ctx context.Context, again bool) error {
	at, err := i.ask(ctx, "store", again)
	if err != nil {
		return err
	}
	if path, ok := strings.CutPrefix(at, "embedded:"); ok {
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
		i.answers["store"] = "embedded:" + path
	} else if i.Ask != nil && i.from["store"] == "" && lacksPassword(at) {
		password, err := i.Ask.Hidden(ctx, "Password of the store's user; empty for none")
		if err != nil {
			return err
		}
		i.answers["store"] = withPassword(at, password)
	}
	return nil
}

func (i *Interview) askZone(ctx context.Context, again bool) error {
	_, err := i.ask(ctx, "timezone", again)
	return err
}
