package virtuser

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// A reference computes the outcome of an address in the simplest way: the rows are a
// list, and keys are compared one by one, without tokens and rulesets. It knows only
// plain addresses.
type reference struct {
	rows     [][2]string
	ours     []string
	accounts []string
	aliases  map[string]string
}

var (
	plainLocal = regexp.MustCompile(`^[a-z0-9+-]+(\.[a-z0-9+-]+)*$`)
	plainHost  = regexp.MustCompile(`^[a-z0-9]+(\.[a-z0-9]+)+$`)
	errorForm  = regexp.MustCompile(`^error:([45]\.\d\.\d):"([45]\d\d) ([a-z ]+)"$`)
)

// outcome returns code, status and recipients as a text. plain is false if the address
// is not plain.
func (r *reference) outcome(addr string) (text string, plain bool) {
	for step := 0; ; step++ {
		local, host, ok := strings.Cut(addr, "@")
		if !ok || len(addr) > 200 || !plainLocal.MatchString(local) || !plainHost.MatchString(host) || strings.Count(local, "+") > 8 {
			return "", false
		}
		switch {
		case !slices.Contains(r.ours, host) && step == 0:
			return "550 5.7.1", true
		case !slices.Contains(r.ours, host):
			return "250 " + addr, true
		case step > 40:
			return "554 5.0.0", true
		}
		right, found := r.right(local, host)
		if !found {
			right = local
		}
		if m := errorForm.FindStringSubmatch(right); m != nil {
			return m[2] + " " + m[1], true
		}
		if !strings.Contains(right, "@") {
			return r.local(right)
		}
		addr = right
	}
}

// right returns the right side of the first key that is found.
func (r *reference) right(local, host string) (string, bool) {
	user, detail, plus := local, "", false
	if i := strings.Index(local[1:], "+"); i >= 0 {
		user, detail, plus = local[:i+1], local[i+2:], true
	}
	type try struct{ key, one, two, three string }
	tries := []try{{local + "@" + host, local, "", ""}}
	if plus && detail != "" {
		tries = append(tries, try{user + "++@" + host, user, detail, "+" + detail})
	}
	if plus {
		tries = append(tries, try{user + "+*@" + host, user, detail, "+" + detail}, try{user + "@" + host, user, detail, "+" + detail})
	}
	if plus && detail != "" {
		tries = append(tries, try{"++@" + host, user, detail, "+" + detail})
	}
	if plus {
		tries = append(tries, try{"+*@" + host, user, detail, "+" + detail}, try{"@" + host, user, detail, "+" + detail})
	} else {
		tries = append(tries, try{"@" + host, local, "", ""})
	}
	for _, t := range tries {
		for _, row := range r.rows {
			if row[0] == t.key {
				return strings.NewReplacer("%%", "%", "%1", t.one, "%2", t.two, "%3", t.three).Replace(row[1]), true
			}
		}
	}
	return "", false
}

func (r *reference) local(name string) (text string, plain bool) {
	if !plainLocal.MatchString(name) {
		return "", false
	}
	user, detail := name, ""
	if i := strings.Index(name[1:], "+"); i >= 0 {
		user, detail = name[:i+1], name[i+2:]
	}
	for _, key := range []string{name, user} {
		if members, ok := r.aliases[key]; ok {
			return "250 " + members, true
		}
	}
	if !slices.Contains(r.accounts, user) {
		return "550 5.1.1", true
	}
	if detail != "" {
		user += "+" + detail
	}
	return "250 " + user, true
}

// compareWith fails the test if the Router and the reference differ. It reports whether
// the reference had an answer.
func (r *reference) compareWith(t *testing.T, addr string) bool {
	t.Helper()
	want, plain := r.outcome(addr)
	if !plain {
		return false
	}
	var text strings.Builder
	for _, row := range r.rows {
		text.WriteString(row[0] + "\t" + row[1] + "\n")
	}
	out := routerOver(t, text.String()).Route(addr)
	got := fmt.Sprint(out.Code, " ", out.Status)
	if out.Taken() {
		got = "250 " + strings.Join(out.Recipients, " ")
	}
	if got != want {
		t.Errorf("%s is %q, the reference says %q\n%s\n%v", addr, got, want, text.String(), out.Trace)
	}
	return true
}

// newReference makes a reference with the host, domains and accounts of routerOver.
func newReference(rows [][2]string) *reference {
	return &reference{rows: rows, ours: []string{"d.example", "e.example", "mx1.example.net"}, accounts: []string{"root", "andrei"},
		aliases: map[string]string{"list": "andrei out@far.example root", "self": "root self"}}
}

// TestRouterAgreesWithAReference draws small tables of plain rows with overlapping
// keys, details that are kept, and circles.
func TestRouterAgreesWithAReference(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	one := func(words ...string) string { return words[r.IntN(len(words))] }
	domain := func() string { return one("d.example", "d.example", "e.example") }
	user := func() string { return one("root", "andrei", "list", "a", "b", "a.b") }
	answered := 0
	total := peer.Campaign(20_000)
	for range total {
		var rows [][2]string
		for range 1 + r.IntN(7) {
			key := one(user(), user(), user()+"+*", user()+"++", user()+"+x", "+*", "++", "") + "@" + domain()
			if slices.ContainsFunc(rows, func(row [2]string) bool { return row[0] == key }) {
				continue // the text would have a fault
			}
			right := one(user(), user()+"%3", user()+"@"+domain(), "%1@"+domain(), "%1%3@"+domain(), user()+"+%2@"+domain(), "%2@"+domain(), "%1-%2@far.example", user()+"@far.example",
				`error:5.1.1:"550 gone"`, `error:4.2.1:"450 moved away"`)
			rows = append(rows, [2]string{key, right})
		}
		addr := one(user(), "nobody", "+a", "a+", "++") + one("", "", "+x", "+x+y", "+", "+*", "++") + "@" + one(domain(), domain(), "far.example", "mx1.example.net")
		if newReference(rows).compareWith(t, addr) {
			answered++
		}
		if t.Failed() {
			return
		}
	}
	if answered < total/2 {
		t.Errorf("the reference answered %d of %d", answered, total)
	}
}

// FuzzRouterAgainstReference lets the fuzzer choose rows and address.
func FuzzRouterAgainstReference(f *testing.F) {
	f.Add("a@d.example root\n@d.example %1%3@e.example\n++@e.example a@d.example", "a+x@d.example")
	f.Add("a@d.example a@d.example", "a@d.example")
	f.Fuzz(func(t *testing.T, text, addr string) {
		var rows [][2]string
		for line := range strings.Lines(text) {
			key, right, ok := strings.Cut(strings.TrimRight(line, "\n"), " ")
			local, host, at := strings.Cut(key, "@")
			if plain := local == "" || plainLocal.MatchString(strings.TrimSuffix(local, "+*")) || local == "+*"; !ok || !at || !plain || !plainHost.MatchString(host) || len(rows) == 10 {
				return
			}
			// The reference does not know other percent signs, and keys that are there
			// twice.
			if rest := strings.NewReplacer("%1", "", "%2", "", "%3", "").Replace(right); rest != "" && !plainRight.MatchString(rest) && !errorForm.MatchString(right) {
				return
			}
			if slices.ContainsFunc(rows, func(row [2]string) bool { return row[0] == key }) {
				return
			}
			rows = append(rows, [2]string{key, right})
		}
		newReference(rows).compareWith(t, addr)
	})
}

var plainRight = regexp.MustCompile(`^[a-z0-9.+-]*(@[a-z0-9.]+)?$`)
