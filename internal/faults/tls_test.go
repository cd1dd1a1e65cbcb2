package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/sim/simnet"
)

// certificate is self-signed, so who has it in its pool trusts it as far as its
// dates and addresses go.
func certificate(t *testing.T, until time.Time, address string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IPAddresses: []net.IP{net.ParseIP(address)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, pool
}

// A certificate that is expired, of another host or of nobody known is never
// accepted: of the storage it fails the file, of the API the run, at the first
// attempt and before anything is sent.
func TestCertificates(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	tomorrow := time.Now().Add(24 * time.Hour)
	expired, expiredPool := certificate(t, time.Now().Add(-time.Hour), "127.0.0.1")
	other, otherPool := certificate(t, tomorrow, "127.0.0.2")
	unknown, _ := certificate(t, tomorrow, "127.0.0.1")
	for name, tc := range map[string]struct {
		cert tls.Certificate
		pool *x509.CertPool
	}{
		"expired":      {expired, expiredPool},
		"another-host": {other, otherPool},
		"unknown":      {unknown, x509.NewCertPool()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			a := r.api()
			names := a.publish(2)
			var sent atomic.Int64
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent.Add(1) }))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{tc.cert}}
			server.StartTLS()
			t.Cleanup(server.Close)
			trust := &tls.Config{RootCAs: tc.pool}

			a.net.Faults.Intercept(func(q simnet.Request) *simnet.Answer {
				if q.Method == "getDownloadLink" && q.Name == names[0] {
					return body(`{"status":1,"data":{"link":"` + server.URL + `/a.zip?X-Amz-Signature=CANARY"},"errors":[]}`)
				}
				return nil
			})
			sum, err := r.run(hoapi.New(hoapi.Config{Client: a.client, TLS: trust, Log: r.said.log()}))
			if err != nil || sum.Loaded != 1 || sum.Failed != 1 || !strings.Contains(sum.Failures[0].Err, "untrusted certificate") ||
				strings.Contains(sum.Failures[0].Err, "attempts") {
				t.Errorf("storage: %v, %+v", err, sum)
			}

			client, err := hasoffers.New(hasoffers.Config{
				NetworkID: a.net.ID(), Auth: hasoffers.NetworkToken(a.net.Token()), BaseURL: server.URL + simnet.APIPath,
				Backoff: time.Millisecond, Log: r.said.log(), HTTP: &http.Transport{TLSClientConfig: trust},
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.run(hoapi.New(hoapi.Config{Client: client}))
			if kind, _ := hasoffers.KindOf(err); kind != hasoffers.Untrusted || strings.Contains(err.Error(), "attempts") {
				t.Errorf("API: %v", err)
			}
			if n := sent.Load(); n > 0 {
				t.Errorf("%d requests were sent to a server that is not who it should be", n)
			}
			a.net.Faults.Intercept(nil)
			r.recover(a.source())
		})
	}
}
