package queue

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Address is where a queue is.
type Address struct {
	URL      string // as it was given
	Region   string // "" where the URL names none
	Endpoint string // of a server that is not AWS's own, or a private one of AWS's
}

// named is a host of AWS's that names its region.
var named = regexp.MustCompile(`^(?:[a-z0-9-]+\.)?sqs\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.(?:vpce\.)?(?:amazonaws\.com|amazonaws\.com\.cn|api\.aws)$`)

// older is a host of AWS's old way, which is no address for the SDK's requests.
var older = regexp.MustCompile(`^(?:([a-z0-9-]+)\.)?queue\.amazonaws\.com$`)

// ParseAddress reads a queue's URL.
func ParseAddress(s string) (Address, error) {
	const want = "want the queue's URL, such as https://sqs.eu-west-1.amazonaws.com/123456789012/events"
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return Address{}, errors.New(want)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" { // not echoed: they may hold a password
		return Address{}, fmt.Errorf("the queue's URL has a user, a query or a fragment: %s", want)
	}
	a := Address{URL: s}
	host := strings.ToLower(u.Hostname())
	if m := older.FindStringSubmatch(host); m != nil {
		if a.Region = m[1]; a.Region == "" {
			a.Region = "us-east-1"
		}
		return a, nil
	}
	if m := named.FindStringSubmatch(host); m != nil {
		a.Region = m[1]
	}
	a.Endpoint = u.Scheme + "://" + u.Host
	return a, nil
}
