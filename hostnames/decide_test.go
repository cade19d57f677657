package hostnames

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/diag"
	"virtmap/inventory"
	"virtmap/mxcheck"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// A site is a server over several runs, with its files and its Memory.
type site struct {
	t                   testing.TB
	installed, relaying map[string]bool
	memory              []byte
	now                 time.Time
	reported            []diag.Fault // reports of the last run
	standings           []Standing   // of the last run
}

func (s *site) policy(m *inventory.Model, memory *Memory) *Policy {
	return &Policy{Model: m, Memory: memory, ClassW: s.installed, Relayed: s.relaying, Now: s.now}
}

func newSite(t testing.TB, installed ...string) *site {
	s := &site{t: t, installed: map[string]bool{}, relaying: map[string]bool{}, now: start}
	for _, name := range installed {
		s.installed[name] = true
	}
	return s
}

func parse(t testing.TB, text string) *inventory.Model {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	return m
}

// run decides with the verdicts on the domains that are due, and installs the
// result.
func (s *site) run(m *inventory.Model, verdicts map[string]mxcheck.Verdict) Decision {
	s.t.Helper()
	memory, err := ParseMemory(s.memory)
	if err != nil {
		s.t.Fatal(err)
	}
	policy := s.policy(m, memory)
	asked := map[int]mxcheck.Verdict{}
	for _, i := range policy.Due() {
		if v, ok := verdicts[m.Domains[i].Name]; ok {
			asked[i] = v
		}
	}
	decision := policy.Decide(asked)
	s.reported, s.standings = policy.Announce(decision, nil, false), policy.Standings(&decision)
	if s.memory, err = memory.Encode(); err != nil {
		s.t.Fatal(err)
	}
	s.installed, s.relaying = names(ClassW(m)), names(Relayed(m))
	return decision
}

func names(n Names) map[string]bool {
	all := map[string]bool{}
	for _, name := range n.All {
		all[name.Text] = true
	}
	return all
}

func ok() mxcheck.Verdict {
	return verdict(mxcheck.Finding{ID: mxcheck.OKHere, Level: mxcheck.OK}, mxcheck.Write, "192.0.2.53")
}

func unknown() mxcheck.Verdict {
	return verdict(mxcheck.Finding{ID: mxcheck.DNSTimeout, Level: mxcheck.Unknown, Text: "nobody answers"}, mxcheck.Keep)
}

func elsewhere(servers ...string) mxcheck.Verdict {
	return verdict(mxcheck.Finding{ID: mxcheck.Elsewhere, Level: mxcheck.Error, Text: "it is elsewhere", Advice: "publish it"}, mxcheck.Hold, servers...)
}

func verdict(f mxcheck.Finding, a mxcheck.Action, servers ...string) mxcheck.Verdict {
	return mxcheck.Verdict{Level: f.Level, Action: a, Findings: []mxcheck.Finding{f}, Servers: servers, TTL: 3600}
}

const two = "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: }\ndomains:\n  a.example: {addresses: {fake: andrei}}\n  b.example: {addresses: {fake: andrei}}\n"

func TestNewDomainWithAnErrorIsHeldBack(t *testing.T) {
	s, m := newSite(t), parse(t, two)
	d := s.run(m, map[string]mxcheck.Verdict{"a.example": ok(), "b.example": elsewhere("192.0.2.53")})
	if !s.installed["a.example"] || s.installed["b.example"] || d.Held != 1 || len(s.reported) != 1 || s.reported[0].Check != checkHeld {
		t.Errorf("%+v, %v", d, s.installed)
	}
	s.now = s.now.Add(time.Minute)
	if d = s.run(m, map[string]mxcheck.Verdict{"b.example": elsewhere("192.0.2.53")}); d.Held != 1 || len(s.reported) != 0 {
		t.Errorf("the second time: %+v", d)
	}
	s.now = s.now.Add(24 * time.Hour)
	if d = s.run(m, map[string]mxcheck.Verdict{"b.example": elsewhere("192.0.2.53")}); len(s.reported) != 1 {
		t.Errorf("a day later: %+v", d)
	}
	if d = s.run(m, map[string]mxcheck.Verdict{"b.example": ok()}); !s.installed["b.example"] || d.Held != 0 {
		t.Errorf("mended: %+v", d)
	}
}

func TestServedDomainIsPendingAndLeavesOnlyWhenConfirmed(t *testing.T) {
	for _, auto := range []bool{false, true} {
		s, m := newSite(t, "a.example", "b.example"), parse(t, two)
		m.MX.RemoveAuto = auto
		runs := []struct {
			after   time.Duration
			servers []string
			leaves  bool
		}{
			{0, []string{"192.0.2.53"}, false},
			{time.Hour, []string{"192.0.2.53"}, false},
			{20 * time.Hour, []string{"192.0.2.53"}, false},
			{10 * time.Hour, []string{"192.0.2.53"}, false}, // only one server
			{time.Minute, []string{"192.0.2.53", "198.51.100.53"}, true},
		}
		for i, r := range runs {
			s.now = s.now.Add(r.after)
			d := s.run(m, map[string]mxcheck.Verdict{"b.example": elsewhere(r.servers...)})
			if left := !s.installed["b.example"]; left != (r.leaves && auto) {
				t.Errorf("auto %v, run %d: left %v, %+v", auto, i, left, d)
			}
			if d.Pending+d.Held != 1 {
				t.Errorf("auto %v, run %d: %+v", auto, i, d)
			}
		}
	}
}

func TestOneGoodAnswerEndsARunOfBadOnes(t *testing.T) {
	s, m := newSite(t, "b.example"), parse(t, two)
	m.MX.RemoveAuto = true
	both := []string{"192.0.2.53", "198.51.100.53"}
	for _, v := range []mxcheck.Verdict{elsewhere(both...), elsewhere(both...), ok(), elsewhere(both...), unknown(), elsewhere(both...)} {
		s.now = s.now.Add(25 * time.Hour)
		s.run(m, map[string]mxcheck.Verdict{"b.example": v})
		if !s.installed["b.example"] {
			t.Fatal("it left")
		}
	}
}

// served returns a site with n served domains, d0.example and so on, and good
// verdicts for them. more are further domains of the inventory.
func served(t testing.TB, n int, more ...string) (*site, *inventory.Model, map[string]mxcheck.Verdict) {
	t.Helper()
	s, verdicts := newSite(t), map[string]mxcheck.Verdict{}
	for i := range n {
		name := fmt.Sprintf("d%d.example", i)
		more = append(more, name)
		s.installed[name], verdicts[name] = true, ok()
	}
	return s, parse(t, edited(more, "andrei", false)), verdicts
}

func TestAccidentMovesNothing(t *testing.T) {
	s, m, bad := served(t, 10, "new.example")
	bad["new.example"] = ok()
	for i := range 4 {
		bad[fmt.Sprintf("d%d.example", i)] = elsewhere("192.0.2.53", "198.51.100.53")
	}
	m.MX.RemoveAuto = true
	for range 5 {
		s.now = s.now.Add(25 * time.Hour)
		d := s.run(m, bad)
		if !d.Frozen || len(s.installed) != 11 || s.installed["new.example"] { // and the host's name
			t.Fatalf("%+v, %v", d, s.installed)
		}
	}
	s.now = s.now.Add(time.Minute)
	if d := s.run(m, nil); !d.Frozen || s.installed["new.example"] {
		t.Errorf("a minute later, with nobody asked: %+v", d)
	}
	s.now = s.now.Add(time.Hour)
	bad["d3.example"] = ok()
	if d := s.run(m, bad); d.Frozen || d.Pending != 3 || !s.installed["new.example"] {
		t.Errorf("three of ten: %+v", d)
	}
}

func TestLyingResolverMovesNothing(t *testing.T) {
	s, m := newSite(t, "b.example"), parse(t, two)
	lie := verdict(mxcheck.Finding{ID: mxcheck.ResolverLies, Level: mxcheck.Unknown, Text: "it lies"}, mxcheck.Keep)
	d := s.run(m, map[string]mxcheck.Verdict{"a.example": lie, "b.example": lie})
	if !d.Frozen || s.installed["a.example"] || !s.installed["b.example"] || s.reported[0].Check != checkLies {
		t.Errorf("%+v, %v", d, s.installed)
	}
}

// TestPolicies: for some domains the verdict decides, for others it does not.
func TestPolicies(t *testing.T) {
	m := parse(t, `version: 1
host: {name: mx1.example.net}
defaults: {mx_check: advisory}
users: {andrei: }
domains:
  advised.example: {addresses: {fake: andrei}}
  skipped.example: {addresses: {fake: andrei}, mx_check: skip}
  asked.example: {addresses: {fake: andrei}, mx_check: required}
  backup.example: {role: backup, mx_check: required}
  mx1.example.net: {catch_all: local, mx_check: required}
  closed.example: {enabled: false}
`)
	s := newSite(t)
	all := map[string]mxcheck.Verdict{}
	for _, d := range m.Domains {
		all[d.Name] = elsewhere("192.0.2.53")
	}
	d := s.run(m, all)
	if got, want := strings.Join(sortedNames(s.installed), " "), "advised.example mx1.example.net skipped.example"; got != want {
		t.Errorf("class w: %s", got)
	}
	if len(s.relaying) != 0 || d.Held != 2 || d.Pending != 0 {
		t.Errorf("relayed: %v, %+v", s.relaying, d)
	}
	s.run(m, map[string]mxcheck.Verdict{"backup.example": verdict(mxcheck.Finding{ID: mxcheck.OKBackup}, mxcheck.Relay)})
	if !s.relaying["backup.example"] || s.installed["backup.example"] {
		t.Errorf("a backup domain: %v, %v", s.relaying, s.installed)
	}
}

func sortedNames(set map[string]bool) []string {
	var all []string
	for name := range set {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// TestRoleChanges: a served domain gets the role of the inventory at once, also
// without an answer.
func TestRoleChanges(t *testing.T) {
	const backup = "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: }\ndomains:\n  a.example: {role: backup}\n"
	primary := strings.Replace(backup, "{role: backup}", "{addresses: {fake: andrei}}", 1)
	for name, v := range map[string]mxcheck.Verdict{"elsewhere": elsewhere("192.0.2.53"), "unknown": unknown()} {
		s := newSite(t)
		s.run(parse(t, backup), map[string]mxcheck.Verdict{"a.example": verdict(mxcheck.Finding{ID: mxcheck.OKBackup}, mxcheck.Relay)})
		s.run(parse(t, primary), map[string]mxcheck.Verdict{"a.example": v})
		if !s.installed["a.example"] || s.relaying["a.example"] {
			t.Errorf("%s: primary: %v, %v", name, s.installed, s.relaying)
		}
		s.run(parse(t, backup), map[string]mxcheck.Verdict{"a.example": v})
		if s.installed["a.example"] || !s.relaying["a.example"] {
			t.Errorf("%s: backup again: %v, %v", name, s.installed, s.relaying)
		}
	}
}

// TestConfirmationStartsAnew when the policy changes, after a long time without
// builds, and after verdicts from zone files.
func TestConfirmationStartsAnew(t *testing.T) {
	both := elsewhere("192.0.2.53", "198.51.100.53")
	against := map[string]mxcheck.Verdict{"b.example": both}
	three := func(s *site, m *inventory.Model) {
		for range 3 {
			s.run(m, against)
			s.now = s.now.Add(10 * time.Hour)
		}
	}
	for name, between := range map[string]func(s *site, m *inventory.Model){
		"advisory before": func(s *site, m *inventory.Model) {
			m.Defaults.MXCheck = inventory.MXAdvisory
			three(s, m)
		},
		"skip in between": func(s *site, m *inventory.Model) {
			m.MX.RemoveAuto = false
			three(s, m)
			m.Defaults.MXCheck = inventory.MXSkip
			s.run(m, nil)
		},
		"a long time in between": func(s *site, m *inventory.Model) {
			m.MX.RemoveAuto = false
			three(s, m)
			s.now = s.now.Add(30 * 24 * time.Hour)
		},
	} {
		s, m := newSite(t, "b.example"), parse(t, two)
		between(s, m)
		m.MX.RemoveAuto, m.Defaults.MXCheck = true, inventory.MXRequired
		if s.run(m, against); !s.installed["b.example"] {
			t.Errorf("%s: it left at the first answer", name)
		}
	}
}

// TestOldTTLHoldsADomain: a domain stays as long as caches may have its old MX.
func TestOldTTLHoldsADomain(t *testing.T) {
	s, m := newSite(t, "b.example"), parse(t, two)
	m.MX.RemoveAuto = true
	good := ok()
	good.TTL = 3 * 24 * 3600
	s.run(m, map[string]mxcheck.Verdict{"b.example": good})
	s.now = s.now.Add(25 * time.Hour)
	for hour := 0; hour <= 72; hour += 8 {
		s.run(m, map[string]mxcheck.Verdict{"b.example": elsewhere("192.0.2.53", "198.51.100.53")})
		if left := !s.installed["b.example"]; left != (hour >= 72) {
			t.Fatalf("after %d hours: left %v", hour, left)
		}
		s.now = s.now.Add(8 * time.Hour)
	}
}

// TestManyDoNotLeaveAtOnce, even if the error of each is confirmed.
func TestManyDoNotLeaveAtOnce(t *testing.T) {
	s, m, verdicts := served(t, 10)
	for i := range 7 { // one after the other, two days apart
		verdicts[fmt.Sprintf("d%d.example", i)] = elsewhere("192.0.2.53", "198.51.100.53")
		for range 3 {
			if d := s.run(m, verdicts); d.Frozen {
				t.Fatalf("the %dth: %+v", i+1, d)
			}
			s.now = s.now.Add(16 * time.Hour)
		}
	}
	m.MX.RemoveAuto = true
	d := s.run(m, verdicts)
	if !d.Frozen || d.Left != 0 || !s.installed["d0.example"] || s.reported[0].Check != checkAccident {
		t.Errorf("%+v, %v", d, s.reported)
	}
	m.Guards.MaxRemovedPercent = 80
	if d := s.run(m, verdicts); d.Frozen || d.Left != 7 || s.installed["d0.example"] {
		t.Errorf("where it is allowed: %+v", d)
	}
}

// TestAnnouncements: a change is announced at once, and everything once a day.
func TestAnnouncements(t *testing.T) {
	s, m := newSite(t), parse(t, two)
	bad := elsewhere("192.0.2.53")
	say := func(a, b mxcheck.Verdict) int {
		s.now = s.now.Add(time.Minute)
		s.run(m, map[string]mxcheck.Verdict{"a.example": a, "b.example": b})
		return len(s.reported)
	}
	refused := verdict(mxcheck.Finding{ID: mxcheck.DNSRefused, Level: mxcheck.Unknown, Text: "no"}, mxcheck.Keep)
	for i, step := range []struct {
		a, b mxcheck.Verdict
		want int
	}{{bad, unknown(), 2}, {bad, refused, 0}, {bad, unknown(), 0}, {bad, bad, 1}, {bad, ok(), 0}} {
		if got := say(step.a, step.b); got != step.want {
			t.Errorf("step %d: %d said, want %d: %v", i, got, step.want, s.reported)
		}
	}
}

// TestSpreadOfRechecks: domains that were added together are checked at different
// times, and each within mx.recheck.
func TestSpreadOfRechecks(t *testing.T) {
	const n = 1000
	s, m, good := served(t, n)
	s.run(m, good)
	most, sum := 0, 0
	for range 24 * 12 {
		s.now = s.now.Add(5 * time.Minute)
		memory, _ := ParseMemory(s.memory)
		due := s.policy(m, memory).Due()
		most, sum = max(most, len(due)), sum+len(due)
		s.run(m, good)
	}
	if most > n/50 || sum < n || sum > 2*n {
		t.Errorf("at most %d at once, %d in a day", most, sum)
	}
	for name, r := range func() map[string]*Remembered { memory, _ := ParseMemory(s.memory); return memory.Domains }() {
		if s.now.Sub(r.Checked) > m.MX.Recheck {
			t.Errorf("%s was last asked about %v ago", name, s.now.Sub(r.Checked))
		}
	}
}

func TestSilenceIsReportedAfterAWhile(t *testing.T) {
	s, m := newSite(t, "a.example", "b.example"), parse(t, two)
	d := Decision{}
	for range 8 {
		d = s.run(m, map[string]mxcheck.Verdict{"a.example": unknown(), "b.example": ok()})
		s.now = s.now.Add(24 * time.Hour)
	}
	if d.Overdue != 0 {
		t.Errorf("after seven days: %+v", d)
	}
	d = s.run(m, map[string]mxcheck.Verdict{"a.example": unknown()})
	if d.Overdue != 1 || len(s.reported) != 1 || s.reported[0].Check != checkSilent || !s.installed["a.example"] {
		t.Errorf("after eight days: %+v", d)
	}
}

// TestSilenceDoesNotEndAnAccident: the domains of an accident still count when they
// get no answer later.
func TestSilenceDoesNotEndAnAccident(t *testing.T) {
	s, m, verdicts := served(t, 10)
	bad := elsewhere("192.0.2.53", "198.51.100.53")
	for i := range 3 {
		verdicts[fmt.Sprintf("d%d.example", i)] = bad
	}
	m.MX.RemoveAuto, m.MX.Recheck = true, time.Hour // all domains are due
	for range 3 {
		s.run(m, verdicts)
		s.now = s.now.Add(7 * time.Hour)
	}
	for name := range verdicts {
		verdicts[name] = bad
	}
	if d := s.run(m, verdicts); !d.Frozen {
		t.Fatalf("%+v", d)
	}
	for i := 3; i < 10; i++ {
		verdicts[fmt.Sprintf("d%d.example", i)] = unknown()
	}
	s.now = s.now.Add(8 * time.Hour)
	if d := s.run(m, verdicts); !d.Frozen || !s.installed["d0.example"] {
		t.Errorf("with silence: %+v, %v", d, s.installed)
	}
}

// TestMissingFiles removes one of the two files with names while there is no
// answer. For that file the Memory counts.
func TestMissingFiles(t *testing.T) {
	const text = "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: }\ndomains:\n  a.example: {addresses: {fake: andrei}}\n  backup.example: {role: backup}\n"
	for name, lose := range map[string]func(s *site){
		"local-host-names":       func(s *site) { s.installed = nil },
		"virtmap-relay-domains":  func(s *site) { s.relaying = nil },
		"both":                   func(s *site) { s.installed, s.relaying = nil, nil },
		"neither, but the state": func(s *site) { s.memory = nil },
	} {
		s := newSite(t)
		s.run(parse(t, text), map[string]mxcheck.Verdict{"a.example": ok(), "backup.example": verdict(mxcheck.Finding{ID: mxcheck.OKBackup}, mxcheck.Relay)})
		lose(s)
		s.now = s.now.Add(48 * time.Hour)
		s.run(parse(t, text), map[string]mxcheck.Verdict{"a.example": unknown(), "backup.example": unknown()})
		if !s.installed["a.example"] || !s.relaying["backup.example"] {
			t.Errorf("without %s: %v, %v", name, s.installed, s.relaying)
		}
	}
}

// TestQuietEndsWhenADomainIsDue: before that time no domain is due, and then one is.
func TestQuietEndsWhenADomainIsDue(t *testing.T) {
	m := parse(t, "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: }\ndomains:\n  a.example: {catch_all: andrei}\n  b.example: {catch_all: andrei}\n  skipped.example: {mx_check: skip, catch_all: andrei}\n")
	s := newSite(t)
	s.run(m, map[string]mxcheck.Verdict{"a.example": ok(), "b.example": ok()})
	policy := func() *Policy {
		memory, err := ParseMemory(s.memory)
		if err != nil {
			t.Fatal(err)
		}
		return s.policy(m, memory)
	}
	s.now = s.now.Add(time.Second)
	until, quiet := policy().Quiet()
	if !quiet || !until.After(s.now) {
		t.Fatalf("quiet until %v, %v", until, quiet)
	}
	s.now = until.Add(-time.Second)
	if due := policy().Due(); len(due) > 0 {
		t.Errorf("a second before %d are due", len(due))
	}
	s.now = until
	if due := policy().Due(); len(due) == 0 {
		t.Error("then none is due")
	}
	if _, quiet := policy().Quiet(); quiet {
		t.Error("and it is quiet")
	}
}

// TestQuietOverZones: unchanged zone files need not be read before mx.recheck, unless
// a domain waits for a good verdict.
func TestQuietOverZones(t *testing.T) {
	text := "version: 1\nhost: {name: mx1.example.net}\nmx: {recheck: 24h, max_unknown_age: 6h}\nusers: {andrei: }\ndomains:\n  a.example: {catch_all: andrei}\n  b.example: {%s catch_all: andrei}\n"
	for _, c := range []struct {
		it    string
		b     string // of b.example
		says  mxcheck.Verdict
		quiet bool
		least time.Duration
		most  time.Duration
	}{
		{"is quiet for between half and all of mx.recheck", "", ok(), true, 12 * time.Hour, 24 * time.Hour},
		{"is quiet over a domain that no file speaks of, until that is overdue", "", unknown(), true, 6 * time.Hour, 6 * time.Hour},
		{"is not over a domain that is pending", "", elsewhere("a"), false, 0, 0},
		{"is not over an advisory domain whose MX is elsewhere", "mx_check: advisory,", elsewhere("a"), false, 0, 0},
	} {
		m := parse(t, fmt.Sprintf(text, c.b))
		s := newSite(t, "a.example", "b.example")
		policy := s.policy(m, NewMemory())
		policy.Zones = true
		policy.Decide(map[int]mxcheck.Verdict{0: ok(), 1: c.says})
		until, quiet := policy.Quiet()
		if in := until.Sub(s.now); quiet != c.quiet || quiet && (in < c.least || in > c.most) {
			t.Errorf("it %s: quiet %v for %v", c.it, quiet, in)
		}
	}
}
