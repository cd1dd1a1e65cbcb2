package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// Unproven reports whether a connection failed because the server could not prove
// that it is the host that was asked for. Trying again does not help against that.
func Unproven(err error) bool {
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &unknown) ||
		errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &alert)
}
