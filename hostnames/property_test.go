package hostnames

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"virtmap/internal/diag"
	"virtmap/mxcheck"
	"virtmap/virtuser"
)

// reference is a short model of the policy, for one domain.
type reference struct {
	in      bool
	since   time.Time
	last    time.Time
	runs    int
	servers map[string]bool
}

func (r *reference) step(v mxcheck.Verdict, now time.Time, auto bool) {
	switch {
	case v.Action == mxcheck.Keep:
	case v.Level < mxcheck.Error:
		*r = reference{in: true, last: now}
	default:
		if now.Sub(r.last) > 15*24*time.Hour {
			r.runs = 0
		}
		r.last = now
		if r.runs++; r.runs == 1 {
			r.since, r.servers = now, map[string]bool{}
		}
		for _, s := range v.Servers {
			r.servers[s] = true
		}
		r.in = r.in && !(auto && r.runs >= 3 && now.Sub(r.since) >= 24*time.Hour && len(r.servers) >= 2)
	}
}

// TestAgainstReference compares with the model, for random verdicts and times.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := parse(t, two)
		m.MX.RemoveAuto = rapid.Bool().Draw(r, "auto")
		s := newSite(t)
		refs := map[string]*reference{"a.example": {}, "b.example": {}}
		for name, ref := range refs {
			ref.in = rapid.Bool().Draw(r, name+" is installed")
			s.installed[name] = ref.in
		}
		for range rapid.IntRange(1, 40).Draw(r, "runs") {
			s.now = s.now.Add(time.Duration(rapid.IntRange(1, 30*3600).Draw(r, "seconds")) * time.Second)
			verdicts := map[string]mxcheck.Verdict{}
			memory, _ := ParseMemory(s.memory)
			due := s.policy(m, memory).Due()
			for _, i := range due {
				name := m.Domains[i].Name
				v := rapid.SampledFrom([]mxcheck.Verdict{ok(), unknown(), elsewhere("192.0.2.53"), elsewhere("198.51.100.53"), elsewhere("192.0.2.53", "198.51.100.53")}).Draw(r, name)
				verdicts[name] = v
				refs[name].step(v, s.now, m.MX.RemoveAuto)
			}
			s.run(m, verdicts)
			for name, ref := range refs {
				if s.installed[name] != ref.in {
					r.Fatalf("%s: served %v, want %v", name, s.installed[name], ref.in)
				}
			}
		}
	})
}

// TestUnknownMovesNothing: with verdicts that are unknown no domain enters or leaves,
// even without the Memory or with the clock set back. The addresses of served
// domains are those of the inventory.
func TestUnknownMovesNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newSite(t)
		s.installed["mx1.example.net"] = true
		all := []string{"a.example", "b.example", "c.example"}
		for _, name := range all {
			if rapid.Bool().Draw(r, name) {
				s.installed[name] = true
			}
		}
		want := sortedNames(s.installed)
		for range rapid.IntRange(1, 20).Draw(r, "runs") {
			s.now = s.now.Add(time.Duration(rapid.IntRange(-3600, 40*24*3600).Draw(r, "seconds")) * time.Second)
			if rapid.IntRange(0, 9).Draw(r, "lose the memory") == 0 {
				s.memory = nil
			}
			user := rapid.SampledFrom([]string{"andrei", "bea"}).Draw(r, "user")
			m := parse(t, edited(all, user, rapid.Bool().Draw(r, "auto")))
			verdicts := map[string]mxcheck.Verdict{}
			for _, name := range all {
				if rapid.Bool().Draw(r, "asked") {
					verdicts[name] = unknown()
				}
			}
			s.run(m, verdicts)
			if got := sortedNames(s.installed); !slices.Equal(got, want) {
				r.Fatalf("served %v, want %v", got, want)
			}
			var faults diag.List
			table := virtuser.Compile(m, &faults).Table
			for _, name := range all {
				value, found := table.Get([]byte("fake@" + name))
				if found != s.installed[name] || found && string(value) != user {
					r.Fatalf("fake@%s leads to %q, %v", name, value, found)
				}
			}
		}
	})
}

func edited(domains []string, user string, auto bool) string {
	text := "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: , bea: }\nmx: {remove: manual}\ndomains:\n"
	if auto {
		text = strings.Replace(text, "manual", "auto", 1)
	}
	for _, name := range domains {
		text += "  " + name + ": {addresses: {fake: " + user + "}}\n"
	}
	return text
}

// FuzzMemory reads damaged state files.
func FuzzMemory(f *testing.F) {
	s := newSite(f)
	s.run(parse(f, two), map[string]mxcheck.Verdict{"a.example": ok(), "b.example": elsewhere("192.0.2.53")})
	f.Add(s.memory)
	f.Add([]byte(`{"version":1,"domains":{"a.example":null}}`))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		memory, err := ParseMemory(text)
		if err != nil {
			return
		}
		first, err := memory.Encode()
		if err != nil {
			t.Skip(err) // JSON cannot have a year of five digits
		}
		again, err := ParseMemory(first)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if second, _ := again.Encode(); string(second) != string(first) {
			t.Fatalf("%s\n%s", first, second)
		}
		policy := Policy{Model: parse(t, two), Memory: memory, Now: start}
		policy.Due()
		policy.Decide(map[int]mxcheck.Verdict{0: elsewhere("192.0.2.53"), 1: unknown()})
	})
}
