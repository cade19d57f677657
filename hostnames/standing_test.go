package hostnames

import (
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/mxcheck"
)

// TestStandings has a domain in each state.
func TestStandings(t *testing.T) {
	const text = `version: 1
host: {name: mx1.example.net}
guards: {min_size: 10}
users: {andrei: }
domains:
  b-good.example: {addresses: {fake: andrei}}
  c-new.example: {addresses: {fake: andrei}}
  d-silent.example: {addresses: {fake: andrei}}
  e-left.example: {addresses: {fake: andrei}}
  f-off.example: {enabled: false}
  g-quiet.example: {addresses: {fake: andrei}}
  h-backup.example: {role: backup, mx_check: skip}
`
	m := parse(t, text)
	s := newSite(t, "b-good.example", "e-left.example", "g-quiet.example")
	answers := map[string]mxcheck.Verdict{
		"b-good.example": ok(), "c-new.example": elsewhere("192.0.2.53"), "d-silent.example": unknown(),
		"e-left.example": elsewhere("192.0.2.53"), "g-quiet.example": unknown(),
	}
	s.run(m, answers)
	s.now = s.now.Add(m.MX.MaxUnknownAge + time.Hour)
	answers["b-good.example"] = ok()
	d := s.run(m, answers)
	var got []string
	for _, one := range s.standings {
		got = append(got, one.Domain+" "+string(one.State)+" "+one.ID)
		if silent := one.State == StateWaiting || one.State == StateOverdue; silent != (one.Text == "nobody answers") {
			t.Errorf("%s has the reason %q", one.Domain, one.Text)
		}
		if one.State.Taken() != (s.installed[one.Domain] || s.relaying[one.Domain]) {
			t.Errorf("%s is %s, and the lists say something else", one.Domain, one.State)
		}
	}
	want := []string{
		"b-good.example served mx-ok", "c-new.example held mx-elsewhere", "d-silent.example waiting dns-timeout",
		"e-left.example pending mx-elsewhere", "g-quiet.example overdue dns-timeout", "h-backup.example served ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the standings are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d.Held != 1 || d.Waiting != 1 || d.Pending != 1 || d.Overdue != 1 {
		t.Errorf("the decision counts %+v", d)
	}
	if s.standings[1].Text != "it is elsewhere" || s.standings[1].Advice != "publish it" || !s.standings[1].Checked.Equal(s.now) {
		t.Errorf("the domain that is held back has %+v", s.standings[1])
	}
	skipped := strings.Replace(text, "b-good.example: {", "b-good.example: {mx_check: skip, ", 1)
	if s.run(parse(t, skipped), answers); s.standings[0].ID != "" || !s.standings[0].Checked.IsZero() {
		t.Errorf("the domain that is skipped now has %+v", s.standings[0])
	}
}

func TestUnaskedDomainsAreServed(t *testing.T) {
	m := parse(t, `version: 1
host: {name: mx1.example.net}
domains: {a.example: , b.example: {enabled: false}, c.example: {role: backup}}
`)
	got := Unasked(m)
	if len(got) != 2 || got[0].Domain != "a.example" || got[0].State != StateServed || !got[1].Backup {
		t.Errorf("the standings are %+v", got)
	}
}
