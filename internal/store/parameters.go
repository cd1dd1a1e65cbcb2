package store

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"rawlogs/internal/near"
)

// options are the parameters of an address that the library reads. Any other it sends
// with every statement, as a setting.
var options = []string{
	"alt_hosts", "block_buffer_size", "client_info_product", clusterParameter, copiesParameter, "compress", "compress_level", "conn_max_lifetime",
	"connection_open_strategy", "database", "debug", "dial_timeout", "hosts", "http_path", "http_proxy", "max_compression_buffer",
	"max_idle_conns", "max_open_conns", "password", "read_timeout", "secure", "skip_verify", "tls_server_name", "username",
}

// foreign are other clients' names for them.
var foreign = map[string]string{
	"user": "username", "login": "username", "pass": "password", "pwd": "password", "db": "database", "dbname": "database",
	"tls": "secure", "ssl": "secure", "sslmode": "secure", "insecure": "skip_verify", "insecure_skip_verify": "skip_verify",
	"compression": "compress", "timeout": "dial_timeout",
}

// meant is the option that a parameter's name is nearly, or "". No setting of the
// server's is nearly one, which a test compares.
func meant(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if option := foreign[name]; option != "" {
		return option
	}
	for _, option := range options {
		if near.Distance(name, option) <= 1 || near.Swapped(name, option) {
			return option
		}
	}
	return ""
}

// checkParameters refuses what the library would send as a setting and cannot be one: a
// misspelt secure=true would send the password in clear before a server could say so.
func checkParameters(query string) error {
	for part := range strings.SplitSeq(query, "&") {
		name, _, hasValue := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		switch {
		case err != nil:
			return errAddress
		case name == "" || slices.Contains(options, name):
			continue
		}
		if option := meant(name); option != "" { //guard:misspelt-parameter
			return fmt.Errorf("store: the address has the parameter %s, which is not one: did you mean %s?", name, option)
		}
		if !hasValue {
			return errors.New("store: a parameter of the address has no value (it is not shown, as it may be of a password; in a password, write & as %26)")
		}
	}
	return nil
}

// refusedParameters says of which parameters of the address the server refused one.
func (t target) refusedParameters(err error) error {
	if err == nil || len(t.settings) == 0 || !forbidden(err) && !unreadable(err) { //guard:parameters-named
		return err
	}
	names := slices.Sorted(maps.Keys(t.settings))
	guilty := func(name string) bool {
		return strings.Contains(err.Error(), name) || strings.Contains(err.Error(), fmt.Sprintf("'%v'", t.settings[name]))
	}
	if i := slices.IndexFunc(names, guilty); i >= 0 {
		names = names[i : i+1]
	}
	return fmt.Errorf("the address has the parameter %s, which the server does not take as a setting for this user; the address's own are %s: %w",
		strings.Join(names, " or "), strings.Join(options, ", "), err)
}

// unreadable reports whether a statement was refused for the text of a setting's value.
func unreadable(err error) bool {
	const parseText, parseInput, parseNumber, parseBool, badArguments, unknownElement = 6, 27, 72, 467, 36, 348
	return slices.Contains([]int32{parseText, parseInput, parseNumber, parseBool, badArguments, unknownElement}, code(err))
}

// checkDatabase refuses the server's own databases, which take no tables.
func checkDatabase(name string) error {
	if slices.Contains([]string{"system", "information_schema", "INFORMATION_SCHEMA"}, name) { //guard:own-databases
		return fmt.Errorf("store: the database %s is reserved by the server: name one for the logs in the address, as in clickhouse://user@host:9000/rawlogs", name)
	}
	return nil
}
