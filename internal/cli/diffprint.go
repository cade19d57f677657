package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/outcome"
)

// A diffOutput is the output of diff.
type diffOutput struct {
	change.Change
	files  []string
	alarms []change.Alarm
	chosen string // the domains of --domain; empty: all
}

// fate describes an outcome in a few words.
func fate(o *outcome.Outcome) string {
	if o.Taken {
		return recipients(o.Recipients)
	}
	text := fmt.Sprintf("rejected %s", o.Status)
	if o.Code < 500 {
		text = fmt.Sprintf("deferred %s", o.Status)
	}
	if o.Text != "" && o.Text != "User unknown" {
		text += " " + o.Text
	}
	return text
}

var signs = map[change.Kind]string{change.Added: "+", change.Removed: "-", change.Changed: "~", change.New: "+", change.Gone: "-"}

// name returns the name of a key for people. The catch-all is every other address.
func name(a *change.Address) string {
	if domain, ok := strings.CutPrefix(a.Key, "@"); ok {
		return "every other address of " + domain
	}
	return a.Key
}

func describe(a *change.Address) string {
	switch {
	case a.Kind == change.Added:
		return name(a) + ": " + fate(&a.New)
	case a.CatchAll:
		return fmt.Sprintf("%s: %s -> %s (caught by the catch-all now)", name(a), fate(&a.Old), fate(&a.New))
	}
	return fmt.Sprintf("%s: %s -> %s", name(a), fate(&a.Old), fate(&a.New))
}

// head returns the line of a domain.
func head(d *change.Domain) string {
	switch {
	case d.State == change.New && d.After == 0:
		return d.Name + ": taken now, no addresses of its own"
	case d.State == change.Gone && d.Before == 0:
		return d.Name + ": not taken any more"
	case d.State == change.New:
		return fmt.Sprintf("%s: new domain, %s", d.Name, addresses(d.After))
	case d.State == change.Gone:
		return fmt.Sprintf("%s: not served any more, %s", d.Name, addresses(d.Before))
	}
	return d.Name + ":"
}

func addresses(n int) string {
	if n == 1 {
		return "1 address"
	}
	return fmt.Sprintf("%d addresses", n)
}

func (d *diffOutput) text(w io.Writer) error {
	var err error
	line := func(format string, args ...any) {
		_, problem := fmt.Fprintln(w, diag.Printable(fmt.Sprintf(format, args...)))
		err = errors.Join(err, problem)
	}
	for i := range d.Domains {
		domain := &d.Domains[i]
		line("%s", head(domain))
		if domain.State != change.Changed {
			continue
		}
		for j := range domain.Addresses {
			a := &domain.Addresses[j]
			line("  %s %s", signs[a.Kind], describe(a))
		}
	}
	for _, sender := range d.senderLines() {
		line("%s", sender)
	}
	for _, drift := range d.Drift {
		line("drift: %s", drift)
	}
	for _, alarm := range alarmLines(d.alarms) {
		line("guard: %s", alarm)
	}
	line("%s", d.summary())
	return err
}

// summary returns the numbers of changes.
func (d *diffOutput) summary() string {
	counts := map[change.Kind]int{}
	for i := range d.Domains {
		domain := &d.Domains[i]
		if domain.State != change.Changed {
			counts[domain.State]++
			continue
		}
		for _, a := range domain.Addresses {
			counts[a.Kind]++
		}
	}
	var parts []string
	for _, part := range []struct {
		kind change.Kind
		word string
	}{{change.New, "new domain"}, {change.Gone, "domain"}} {
		if n := counts[part.kind]; n > 0 && part.kind == change.Gone {
			parts = append(parts, diag.Count(n, part.word)+" not served any more")
		} else if n > 0 {
			parts = append(parts, diag.Count(n, part.word))
		}
	}
	for _, kind := range []change.Kind{change.Added, change.Removed, change.Changed} {
		if n := counts[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", addresses(n), kind))
		}
	}
	parts = append(parts, d.senderCounts()...)
	switch {
	case len(d.files) == 0:
		return "nothing would change"
	case len(parts) == 0 && d.chosen != "":
		return "no outcome would change in " + d.chosen + "; the build would write " + strings.Join(d.files, " ")
	case len(parts) == 0:
		return "no outcome would change; the build would write " + strings.Join(d.files, " ")
	}
	return strings.Join(parts, ", ") + "; the build would write " + strings.Join(d.files, " ")
}

func (d *diffOutput) markdown(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "**virtmap:** %s\n", diag.Printable(d.summary()))
	for i := range d.Domains {
		domain := &d.Domains[i]
		fmt.Fprintf(&out, "\n#### %s\n", strings.TrimSuffix(head(domain), ":"))
		if domain.State != change.Changed {
			continue
		}
		out.WriteString("\n| | address | before | after |\n| --- | --- | --- | --- |\n")
		for j := range domain.Addresses {
			a := &domain.Addresses[j]
			after := fate(&a.New)
			if a.CatchAll {
				after += " (catch-all)"
			}
			fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", signs[a.Kind], cell(name(a)), cell(fate(&a.Old)), cell(after))
		}
	}
	for _, list := range []struct {
		title string
		lines []string
	}{{"Senders", d.senderLines()}, {"Drift", d.Drift}, {"Guards would refuse", alarmLines(d.alarms)}} {
		if len(list.lines) == 0 {
			continue
		}
		fmt.Fprintf(&out, "\n#### %s\n\n", list.title)
		for _, line := range list.lines {
			fmt.Fprintf(&out, "- %s\n", cell(line))
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// byHand is the name of the guard that --adopt turns off.
const byHand = "edited"

func alarmLines(alarms []change.Alarm) []string {
	lines := make([]string, len(alarms))
	for i, a := range alarms {
		lines[i] = a.Text + " (--allow " + a.Guard + ")"
		if a.Guard == byHand {
			lines[i] = a.Text + " (--adopt)"
		}
	}
	return lines
}

// cell escapes a text, so that it stays in its cell of a table and is not markup.
func cell(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(diag.Printable(text)) + "`"
}

// The JSON of diff, version 1.
type diffJSON struct {
	Version int            `json:"version"`
	Files   []string       `json:"files"` // that a build would write
	Domains []diffDomain   `json:"domains"`
	Senders []diffSender   `json:"senders"` // who got or lost a right to send
	Logins  change.Kind    `json:"logins,omitempty"`
	Drift   []string       `json:"drift"`
	Guards  []change.Alarm `json:"guards"`
	Summary string         `json:"summary"`
}

type diffDomain struct {
	Name      string        `json:"name"`
	State     change.Kind   `json:"state"`
	Before    int           `json:"before"`
	After     int           `json:"after"`
	Addresses []diffAddress `json:"addresses"`
}

type diffAddress struct {
	Key      string      `json:"key"`
	Kind     change.Kind `json:"kind"`
	Before   testOutcome `json:"before"`
	After    testOutcome `json:"after"`
	CatchAll bool        `json:"catch_all"`
}

func (d *diffOutput) json(w io.Writer) error {
	out := diffJSON{Version: 1, Files: append([]string{}, d.files...), Domains: []diffDomain{}, Senders: d.senderJSON(), Logins: d.Logins, Drift: append([]string{}, d.Drift...), Guards: append([]change.Alarm{}, d.alarms...), Summary: d.summary()}
	for _, domain := range d.Domains {
		dd := diffDomain{domain.Name, domain.State, domain.Before, domain.After, []diffAddress{}}
		for _, a := range domain.Addresses {
			if domain.State == change.Changed {
				dd.Addresses = append(dd.Addresses, diffAddress{a.Key, a.Kind, outcomeJSON(a.Old), outcomeJSON(a.New), a.CatchAll})
			}
		}
		out.Domains = append(out.Domains, dd)
	}
	return json.NewEncoder(w).Encode(out)
}
