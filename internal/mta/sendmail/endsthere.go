package sendmail

import (
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// EndsThere implements mta.Ender.
func (v *View) EndsThere(right string) bool { return endsThere(v.Router, right) }

// EndsThere implements mta.Ender.
func (s *Installed) EndsThere(right string) bool { return endsThere(s.Router, right) }

// endsThere reports whether a right side alone shows where its mail ends: it is a
// refusal, the name of one account without aliases, or an address on another server.
func endsThere(r *virtuser.Router, right string) bool {
	if strings.HasPrefix(right, "error:") {
		return true
	}
	if local, domain, ok := strings.Cut(right, "@"); ok {
		return inventory.IsLocalName(local) && strings.Contains(domain, ".") && !strings.HasPrefix(domain, "localhost.") &&
			!strings.ContainsAny(domain, "@%:,") && !r.Asks(mailaddr.Lower(domain))
	}
	_, aliased := r.Aliases.Alias(right)
	return !aliased && inventory.IsLocalName(right)
}
