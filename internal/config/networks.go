package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// member is one network of networks: in ingest.yaml: settings that hold for it,
// over those at the top of the file.
type member struct {
	from   Origin
	values map[string]string // by setting
	env    map[string]string // secret → variable that holds it
}

func (m member) id() string { return m.values["network_id"] }

// parseMembers reads the list. Paths in it are relative to the file.
func parseMembers(value any, from Origin) ([]member, error) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return nil, wrong("%s: networks takes a list, a network a member", from)
	}
	var members []member
	seen := map[string]bool{}
	for i, one := range list {
		from.Member = i + 1
		m, err := parseMember(one, from)
		if err != nil {
			return nil, err
		}
		name := strings.ToLower(m.name())
		if m.id() == "" || seen[name] {
			return nil, wrong("%s: want an id of its own", from)
		}
		seen[name] = true
		members = append(members, m)
	}
	return members, nil
}

func parseMember(value any, from Origin) (member, error) {
	m := member{from: from, values: map[string]string{}, env: map[string]string{}}
	texts, ok := value.(map[string]any)
	if !ok {
		return m, wrong("%s: want settings such as id and token_file", from)
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if texts[key] == nil {
			continue
		}
		text := strings.TrimSpace(fmt.Sprint(texts[key]))
		if known, ok := find(key); ok && known.join != nil {
			var err error
			if text, err = known.join(texts[key]); err != nil {
				return m, wrong("%s: %w", from, err)
			}
		}
		m.take(key, text)
	}
	return m, nil
}

func (m member) take(key, text string) {
	for _, s := range settings() {
		switch {
		case s.file != "" && key == s.memberEnvKey():
			m.env[s.key] = text
		case s.has(inMember) && key == s.memberKey():
			m.values[s.key] = beside(key, text, m.from)
		}
	}
}

// over lays a network's settings over the common ones. Flags and the environment
// win as everywhere, except for the sign-in.
func (m member) over(l *Layers) (*Layers, error) {
	out := &Layers{given: l.given, texts: l.texts.Copy(), origins: maps.Clone(l.origins), found: l.found, noSource: l.noSource, storeKey: l.storeKey, top: l}
	for _, s := range settings() {
		text, has := m.values[s.key]
		own := l.origins[s.key].Kind < Env || s.has(memberWins)
		switch {
		case has && own:
		case s.has(apart), s.has(credential) && m.signsIn():
			text = ""
		default:
			continue
		}
		if err := out.set(s.key, text, m.from); err != nil {
			return nil, err
		}
	}
	_, out.keyed = m.env["api_key"]
	for _, key := range slices.Sorted(maps.Keys(m.env)) {
		if s, _ := find(key); s.has(credential) && l.storeKey {
			continue
		}
		text := l.given.Getenv(m.env[key])
		if text == "" {
			return nil, wrong("%s: %s is not set", m.from, m.env[key])
		}
		if err := out.set(key, text, Origin{Kind: Env, Name: m.env[key]}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m member) signsIn() bool {
	for key := range m.env {
		if s, _ := find(key); s.has(credential) {
			return true
		}
	}
	return m.values["token_file"] != "" || m.values["client_id"] != "" || m.values["api_key_file"] != ""
}

// pick returns the members that a comma-separated list names.
func (l *Layers) pick(list string) ([]member, error) {
	var picked []member
	var known []string
	for _, m := range l.members {
		known = append(known, m.name())
	}
	for id := range strings.SplitSeq(list, ",") {
		id = strings.TrimSpace(id)
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, id) })
		if i < 0 {
			i = slices.IndexFunc(l.members, func(m member) bool { return strings.EqualFold(m.id(), id) })
		}
		if i < 0 {
			return nil, l.wrong("network_id", fmt.Errorf("unknown network %q: want %s", id, strings.Join(known, ", ")))
		}
		picked = append(picked, l.members[i])
	}
	return picked, nil
}
