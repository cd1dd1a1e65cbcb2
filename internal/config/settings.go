package config

import "strings"

// trait is what a setting is allowed or owed beside having a value.
type trait int

const (
	// inMember settings may stand in a member of networks:, too.
	inMember trait = 1 << iota
	// memberWins settings of a member win over flags and the environment: a
	// secret belongs to one network.
	memberWins
	// credential settings are forgotten where a member of networks: signs in for
	// itself.
	credential
	// apart settings of a member and those at the top of ingest.yaml stand beside each
	// other: the top's are about the command as a whole.
	apart
	// mayStand secrets may stand in ingest.yaml.
	mayStand
	// secretText settings hold secrets among other things.
	secretText
)

// setting is one configurable value and its name at each level. A level without
// a name cannot set it; the flags are named by the command.
type setting struct {
	key    string // in ingest.yaml
	env    string
	def    string
	traits trait
	file   string // of a secret: the setting that names the file it may stand in
	noun   string // of a secret: the word for it
	// join puts a list or map of ingest.yaml into the words of the variable; nil
	// where one value is all that there can be.
	join func(value any) (string, error)
}

func (s setting) has(t trait) bool { return s.traits&t != 0 }

// settings lists every setting, and everything that is particular about one:
// there is no other list.
func settings() []setting {
	return []setting{
		{key: "network_id", env: "HASOFFERS_NETWORK_ID", traits: inMember | memberWins}, // of a member: id
		{key: "network_token", env: "HASOFFERS_NETWORK_TOKEN", traits: credential, file: "token_file", noun: "token"},
		{key: "token_file", env: "HASOFFERS_NETWORK_TOKEN_FILE", traits: inMember | memberWins | credential},
		{key: "api_url", env: "HASOFFERS_API_URL", traits: inMember},
		{key: "timezone", env: "HASOFFERS_TIMEZONE", def: "UTC", traits: inMember, join: joinZones},
		{key: "csv", env: "INGEST_CSV", def: "quote", traits: inMember, join: joinCSV},
		{key: "source", env: "INGEST_SOURCE", def: "hasoffers:", traits: inMember},
		{key: "files", env: "INGEST_FILES", traits: inMember, join: joinPatterns},
		{key: "not_counted", env: "HASOFFERS_NOT_COUNTED", def: "learn", traits: inMember, join: joinWords},
		{key: "store", env: "INGEST_STORE", def: "embedded:data/clickhouse"},
		{key: "conversions_report", env: "INGEST_CONVERSIONS_REPORT", def: "false", traits: inMember},
		{key: "conversions_by", env: "INGEST_CONVERSIONS_BY", def: "auto", traits: inMember},
		{key: "lookback", env: "INGEST_LOOKBACK", def: "3"},
		{key: "catch_up", env: "INGEST_CATCH_UP", def: "366"},
		{key: "event_days", env: "INGEST_EVENT_DAYS", def: "15"},
		{key: "max_memory", env: "INGEST_MAX_MEMORY", def: "256MiB"},
		{key: "max_rejected", env: "INGEST_MAX_REJECTED", def: "50%"},
		{key: "max_misfit", env: "INGEST_MAX_MISFIT", def: "50%"},
		{key: "fetchers", env: "INGEST_FETCHERS", def: "8"},
		{key: "parsers", env: "INGEST_PARSERS", def: "2"},
		{key: "spool", env: "INGEST_SPOOL"},
		{key: "engine_library", env: "INGEST_ENGINE_LIBRARY"},
		{key: "engine_memory", env: "INGEST_ENGINE_MEMORY"},
		{key: "client_id", env: "HASOFFERS_CLIENT_ID", traits: inMember | memberWins | credential},
		{key: "client_secret", env: "HASOFFERS_CLIENT_SECRET", traits: credential, file: "client_secret_file", noun: "secret"},
		{key: "client_secret_file", env: "HASOFFERS_CLIENT_SECRET_FILE", traits: inMember | memberWins | credential},
		{key: "integrator_id", env: "HASOFFERS_INTEGRATOR_ID", traits: inMember | memberWins | credential},
		{key: "audience", env: "HASOFFERS_AUDIENCE", def: "BrandAPI", traits: inMember | memberWins},
		{key: "auth_url", env: "HASOFFERS_AUTH_URL", traits: inMember | memberWins},
		{key: "api_key", env: "HASOFFERS_API_KEY", traits: credential, file: "api_key_file", noun: "api_key"},
		{key: "api_key_file", env: "HASOFFERS_API_KEY_FILE", traits: inMember | memberWins | credential},
		{key: "api_key_side", env: "HASOFFERS_API_KEY_SIDE", traits: inMember | memberWins | credential},
		{key: "ping_url", env: "INGEST_PING_URL", traits: inMember | memberWins | apart | mayStand, file: "ping_url_file", noun: "address"},
		{key: "ping_url_file", env: "INGEST_PING_URL_FILE", traits: inMember | memberWins | apart},
		{key: "notify", env: "INGEST_NOTIFY", traits: inMember | memberWins | apart | secretText, join: joinHooks},
		{key: "privacy", env: "INGEST_PRIVACY", traits: inMember, join: joinPrivacy},
		{key: "privacy_key", env: "INGEST_PRIVACY_KEY", file: "privacy_key_file", noun: "key"},
		{key: "privacy_key_file", env: "INGEST_PRIVACY_KEY_FILE"},
		{key: "rate_limit", env: "HASOFFERS_RATE_LIMIT", def: "50/10s", traits: inMember},
	}
}

// find returns the setting of a key.
func find(key string) (setting, bool) {
	for _, s := range settings() {
		if s.key == key {
			return s, true
		}
	}
	return setting{}, false
}

// Variable is the environment's name of a setting.
func Variable(key string) string {
	s, _ := find(key)
	return s.env
}

// memberKey is the name of a setting in a member of networks:.
func (s setting) memberKey() string {
	if s.key == "network_id" {
		return "id"
	}
	return s.key
}

// memberEnvKey is the name under which a member of networks: names the variable
// that holds a secret: token_env for token_file.
func (s setting) memberEnvKey() string { return strings.TrimSuffix(s.file, "_file") + "_env" }

// Keys are the names of all settings in ingest.yaml, each once.
func Keys() []string {
	var keys []string
	for _, s := range settings() {
		keys = append(keys, s.key)
	}
	return keys
}

// memberKeys are the names that a member of networks: knows: of settings, then
// of variables that hold secrets.
func memberKeys() []string {
	var keys, env []string
	for _, s := range settings() {
		if s.has(inMember) {
			keys = append(keys, s.memberKey())
		}
		if s.file != "" {
			env = append(env, s.memberEnvKey())
		}
	}
	return append(keys, env...)
}
