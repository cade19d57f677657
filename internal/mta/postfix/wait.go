package postfix

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"virtmap/internal/mapfile"
	"virtmap/inventory"
)

// Mail that the sendmail command brings for a deferred address waits in the queue, under
// the address of an alias of virtmap. As long as the address is deferred, a row of
// virtmap-transport keeps the mail waiting. Then the row goes, and local(8) sends the
// mail on to the address. The alias stays for some days, because mail may still wait.

// waitPrefix is the beginning of the names of these aliases.
const waitPrefix = aliasPrefix + "wait="

// waitTime is how long the alias stays. It is longer than Postfix tries to deliver mail
// (maximal_queue_lifetime, five days).
const waitTime = 7 * 24 * time.Hour

// A deferral is a deferred address with its reply.
type deferral struct {
	reply reply
	addr  string
}

// waitingAt returns the address under which mail for a deferred address waits.
func (v *domain) waitingAt(local string, r reply) string {
	w := deferral{r, local + "@" + v.name}
	name := unique(waitPrefix+privateName(local, v.name), func(name string) bool {
		have, taken := v.deferrals[name]
		return taken && have != w
	})
	v.deferrals[name] = w
	return v.account(name)
}

// keepWaiting returns a build with the aliases of addresses that were deferred and are not
// deferred any more.
func (f *found) keepWaiting(b Build, now time.Time) (Build, error) {
	k := keeper{texts: &f.texts}
	aliases, err := k.rowsOf(fileAliases, func(key string) bool { return strings.HasPrefix(key, waitPrefix) })
	if err != nil || len(aliases) == 0 {
		return b, err
	}
	info, err := os.Stat(filepath.Join(f.Dir, fileTransport))
	recent := err == nil && now.Sub(info.ModTime()) < waitTime
	transport, err := f.read(fileTransport)
	if err != nil {
		return b, err
	}
	deferred := map[string]bool{}
	for key := range mapfile.All(readRows(transport)) {
		name, _, _ := strings.Cut(string(key), "@")
		deferred[name] = true
	}
	var kept mapfile.Pairs
	for _, row := range aliases {
		if recent || deferred[row[0]] {
			kept = append(kept, row)
		}
	}
	b.aliases = withMissing(b.aliases, kept)
	b.needs.aliases = b.needs.aliases || len(b.aliases) > 0
	return b, nil
}

// oneAddress reports whether a key stands for one address, or for a user with its details.
func oneAddress(key string) bool {
	form := inventory.ParseForm(key)
	return form == inventory.Plain || form == inventory.ExactDetail
}
