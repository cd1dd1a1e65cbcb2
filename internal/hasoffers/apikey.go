package hasoffers

import (
	"context"
	"fmt"
	"strings"
)

// APIKey signs in an affiliate or an advertiser of a network, who see their own
// part of it through targets of their own: Affiliate_Report, Advertiser_Offer.
type APIKey struct {
	Key string
	// Side is Affiliate or Advertiser, whose key it is; "" lets the API decide.
	Side string
}

// The sides of an APIKey; a target of theirs begins with one and an underscore.
const (
	Affiliate  = "Affiliate"
	Advertiser = "Advertiser"
)

// Apply adds the key as the parameter api_key. It refuses every target that the
// key cannot open: the API would answer with a riddle, and the key would have
// been shown to a target that has no business with it.
func (k APIKey) Apply(_ context.Context, r *Request) error {
	target := r.Query.Get("Target")
	if !k.opens(target) {
		sides := k.Side
		if sides == "" {
			sides = Affiliate + "_* and " + Advertiser
		}
		return &APIError{
			Target: target, Method: r.Query.Get("Method"), Kind: Permission,
			Messages: []string{fmt.Sprintf("an api_key opens targets %s_* only; %s needs a network token or an integrator's sign-in", sides, target)},
		}
	}
	r.Query.Set("api_key", k.Key)
	return nil
}

func (k APIKey) opens(target string) bool {
	affiliate, advertiser := strings.HasPrefix(target, Affiliate+"_"), strings.HasPrefix(target, Advertiser+"_")
	switch k.Side {
	case Affiliate:
		return affiliate
	case Advertiser:
		return advertiser
	}
	return affiliate || advertiser
}

// Renew has nothing newer to offer: a refused key stays refused.
func (k APIKey) Renew(context.Context, *Request) (bool, error) { return false, nil }

// Secrets is the key itself.
func (k APIKey) Secrets() []string { return []string{k.Key} }

// String and GoString keep a key out of %v and %#v.
func (k APIKey) String() string { return "APIKey(hidden)" }

// GoString is String.
func (k APIKey) GoString() string { return k.String() }
