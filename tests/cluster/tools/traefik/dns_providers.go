// Package dns takes the place of lego's package of that name: see StandIn in tests/cluster/golang.py.
package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
)

// NewDNSChallengeProviderByName knows no DNS service.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("built without DNS services, so without %s", name)
}
