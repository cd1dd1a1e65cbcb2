package store

import (
	"context"
	"io"
	"net/http"
)

// StreamFrom is Stream from another address than the server's own.
func (s *Store) StreamFrom(ctx context.Context, addr string, w io.Writer, query string) error {
	return s.streamFrom(ctx, addr, w, "CSV", query)
}

// Direct is what a transport for answers over HTTP becomes.
func Direct(t *http.Transport) (http.RoundTripper, error) { return direct(t) }

// PortName is the name of the port for answers over HTTP.
var PortName = portName

// RetryableCodes are the codes and names that tests compare with the server's.
func RetryableCodes() map[int32]string { return retryableCodes }

// Engines fills the schema as this store does.
func Engines() map[string]string { return single.clauses }

// RowCodes are what RowsRefused goes by.
func RowCodes() map[int32]string { return rowCodes }

// Unbounded are the limits that we pin and do not say a lowest value for.
func Unbounded() (names []string) {
	for name := range limitSetting {
		if _, ok := bounds[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// Meant is how parameters of an address are told from settings.
func Meant(name string) string { return meant(name) }
