package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/inventory"
	"virtmap/mxcheck"
)

func (a *mxArgs) print(m *inventory.Model, all []checked, records bool, stdio Stdio) error {
	shown := slices.DeleteFunc(slices.Clone(all), func(c checked) bool { return !allows(a.only, c.Level.String()) })
	if a.format == "json" {
		return printJSON(m, all, shown, stdio)
	}
	if err := printTable(shown, records, stdio); err != nil {
		return err
	}
	_, err := fmt.Fprintln(stdio.Err, summary(all))
	return err
}

var levelColor = map[mxcheck.Level]string{mxcheck.Error: "\x1b[31m", mxcheck.Unknown: "\x1b[35m", mxcheck.Warning: "\x1b[33m", mxcheck.OK: "\x1b[32m"}

// printTable prints one line for each domain, and below it what must be done. For a
// verdict that is not ok, and with records, it also prints the records.
func printTable(all []checked, records bool, stdio Stdio) error {
	out := bufio.NewWriter(stdio.Out)
	domains, ids := len("domain"), len("id")
	for i := range all {
		domains, ids = max(domains, len(all[i].Subject.Domain)), max(ids, len(all[i].ID()))
	}
	domains = min(domains, 40) // a longer name moves the rest of its line
	color := onTerminal(stdio.Out)
	for i := range all {
		c := &all[i]
		level := fmt.Sprintf("%-7s", c.Level)
		if color {
			level = levelColor[c.Level] + level + "\x1b[0m"
		}
		fmt.Fprintf(out, "%s  %-*s  %-*s  %s%s\n", level, domains, c.Subject.Domain, ids, c.ID(), diag.Printable(c.Text()), c.remark())
		c.details(out, records)
	}
	return out.Flush()
}

// remark says that a verdict has no effect.
func (c *checked) remark() string {
	if c.Level > mxcheck.OK && c.idle != "" {
		return " (decides nothing: " + c.idle + ")"
	}
	return ""
}

func (c *checked) details(out *bufio.Writer, records bool) {
	const indent = "         "
	for i, f := range c.Findings {
		if i > 0 && f.Level > mxcheck.OK {
			fmt.Fprintf(out, "%s%s: %s\n", indent, f.ID, diag.Printable(f.Text))
		}
		if f.Advice != "" {
			fmt.Fprintf(out, "%s%s%s\n", indent, diag.Printable(f.Advice), basis(&f))
		}
	}
	if !records && c.Level == mxcheck.OK {
		return
	}
	for _, r := range c.Records {
		fmt.Fprintf(out, "%s| %s\n", indent, diag.Printable(r.String()))
	}
	if records && len(c.Servers) > 0 {
		fmt.Fprintf(out, "%s| from %s\n", indent, strings.Join(c.Servers, ", "))
	}
}

func basis(f *mxcheck.Finding) string {
	if f.Basis() == "" {
		return ""
	}
	return " (" + f.Basis() + ")"
}

func summary(all []checked) string {
	var counts [mxcheck.Error + 1]int
	for i := range all {
		counts[all[i].Level]++
	}
	text := diag.Count(len(all), "domain")
	separator := ": "
	for _, level := range levels {
		n := counts[level]
		if n == 0 {
			continue
		}
		name := level.String()
		if n > 1 && (level == mxcheck.Error || level == mxcheck.Warning) {
			name += "s"
		}
		text += fmt.Sprintf("%s%d %s", separator, n, name)
		separator = ", "
	}
	return text
}

// The JSON form, version 1. Members may be added, but none changes its meaning.
type (
	mxReport struct {
		Version int            `json:"version"`
		Host    string         `json:"host"`
		Summary map[string]int `json:"summary"` // the number of each verdict
		Domains []mxDomain     `json:"domains"` // the worst first
	}
	mxDomain struct {
		Domain   string      `json:"domain"`
		Verdict  string      `json:"verdict"` // ok, warning, unknown, error
		ID       string      `json:"id"`
		Action   string      `json:"action"`  // write, keep, hold, relay
		Decides  bool        `json:"decides"` // build uses the verdict
		Text     string      `json:"text"`
		MXCheck  string      `json:"mx_check"`
		Role     string      `json:"role"`
		Findings []mxFinding `json:"findings"` // the deciding one first
		Records  []string    `json:"records"`  // in the form of a zone file
		Servers  []string    `json:"servers"`
	}
	mxFinding struct {
		ID      string `json:"id"`
		Verdict string `json:"verdict"`
		Text    string `json:"text"`
		Advice  string `json:"advice,omitempty"`
		Basis   string `json:"basis,omitempty"`
	}
)

// printJSON prints the domains that are shown, and the numbers of all verdicts.
func printJSON(m *inventory.Model, all, shown []checked, stdio Stdio) error {
	report := mxReport{Version: 1, Host: m.Host.Name.Text, Summary: map[string]int{}, Domains: []mxDomain{}}
	for i := range all {
		report.Summary[all[i].Level.String()]++
	}
	for i := range shown {
		report.Domains = append(report.Domains, shown[i].json())
	}
	out := bufio.NewWriter(stdio.Out)
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(report); err != nil {
		return err
	}
	return out.Flush()
}

func (c *checked) json() mxDomain {
	d := mxDomain{
		Domain: c.Subject.Domain, Verdict: c.Level.String(), ID: string(c.ID()), Action: c.Action.String(), Decides: true, Text: c.Text(),
		MXCheck: string(c.mxCheck), Role: "primary", Records: []string{}, Servers: []string{},
	}
	if c.Subject.Backup {
		d.Role = "backup"
	}
	if c.idle != "" {
		d.Action, d.Decides = mxcheck.Write.String(), false
	}
	for _, f := range c.Findings {
		d.Findings = append(d.Findings, mxFinding{string(f.ID), f.Level.String(), f.Text, f.Advice, f.Basis()})
	}
	for _, r := range c.Records {
		d.Records = append(d.Records, r.String())
	}
	d.Servers = append(d.Servers, c.Servers...)
	return d
}
