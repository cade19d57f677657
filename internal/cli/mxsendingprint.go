package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"

	"virtmap/internal/diag"
	"virtmap/mxcheck"
	"virtmap/sending"
)

// A sendingReport has the verdicts on domains that send, the worst first, and on the host.
type sendingReport struct {
	*mxArgs
	host    sending.Verdict
	all     []sending.Verdict
	records bool // the records from the DNS are printed too
}

func (r *sendingReport) print(host string, stdio Stdio) error {
	shown := slices.DeleteFunc(slices.Clone(r.all), func(v sending.Verdict) bool { return !allows(r.only, v.Level.String()) })
	if r.format == "json" {
		return r.printJSON(host, shown, stdio)
	}
	if len(r.host.Findings) > 0 && allows(r.only, r.host.Level.String()) {
		shown = append(shown, r.host)
		slices.SortStableFunc(shown, func(a, b sending.Verdict) int { return int(b.Level) - int(a.Level) })
	}
	if err := printSending(shown, r.records, stdio); err != nil {
		return err
	}
	all := make([]checked, len(r.all))
	for i := range r.all {
		all[i].Level = r.all[i].Level
	}
	_, err := fmt.Fprintln(stdio.Err, summary(all))
	return err
}

// printSending prints one line for each finding, and below it what to do and to publish.
func printSending(all []sending.Verdict, records bool, stdio Stdio) error {
	out := bufio.NewWriter(stdio.Out)
	names, ids := 0, 0
	for i := range all {
		names = max(names, len(all[i].Name))
		for _, f := range all[i].Findings {
			ids = max(ids, len(f.ID))
		}
	}
	names = min(names, 40) // a longer name moves the rest of its line
	color := onTerminal(stdio.Out)
	for i := range all {
		for _, f := range all[i].Findings {
			level := fmt.Sprintf("%-7s", f.Level)
			if color {
				level = levelColor[f.Level] + level + "\x1b[0m"
			}
			fmt.Fprintf(out, "%s  %-*s  %-*s  %s%s\n", level, names, all[i].Name, ids, f.ID, diag.Printable(f.Text), sendingBasis(&f))
			if f.Advice != "" {
				fmt.Fprintf(out, "         %s\n", diag.Printable(f.Advice))
			}
			for _, line := range f.Publish {
				fmt.Fprintf(out, "         + %s\n", diag.Printable(line))
			}
		}
		if !records {
			continue
		}
		for _, r := range all[i].Records {
			fmt.Fprintf(out, "         | %s\n", diag.Printable(r.String()))
		}
	}
	return out.Flush()
}

// sendingBasis returns the rule behind a finding that is not ok.
func sendingBasis(f *sending.Finding) string {
	if f.Level == mxcheck.OK || f.Basis() == "" {
		return ""
	}
	return " (" + f.Basis() + ")"
}

// The JSON form, version 1. Members may be added, but none changes its meaning.
type (
	sentReport struct {
		Version int            `json:"version"`
		Host    string         `json:"host"`
		Summary map[string]int `json:"summary"` // the number of each verdict on domains
		Server  sentVerdict    `json:"server"`  // the host itself
		Domains []sentDomain   `json:"domains"` // the worst first
	}
	sentVerdict struct {
		Verdict  string        `json:"verdict"`  // ok, warning, unknown, error
		Findings []sentFinding `json:"findings"` // the worst first
		Records  []string      `json:"records"`  // in the form of a zone file
	}
	sentDomain struct {
		Domain string `json:"domain"`
		ID     string `json:"id"`   // of the worst finding
		Text   string `json:"text"` // likewise
		sentVerdict
	}
	sentFinding struct {
		ID      string   `json:"id"`
		Verdict string   `json:"verdict"`
		Text    string   `json:"text"`
		Advice  string   `json:"advice,omitempty"`
		Basis   string   `json:"basis,omitempty"`
		Publish []string `json:"publish,omitempty"` // lines of a zone file
	}
)

// printJSON prints the domains that are shown, and the numbers of all verdicts.
func (r *sendingReport) printJSON(host string, shown []sending.Verdict, stdio Stdio) error {
	report := sentReport{Version: 1, Host: host, Summary: map[string]int{}, Server: jsonOf(&r.host), Domains: []sentDomain{}}
	for i := range r.all {
		report.Summary[r.all[i].Level.String()]++
	}
	for i := range shown {
		d := sentDomain{Domain: shown[i].Name, sentVerdict: jsonOf(&shown[i])}
		if len(d.Findings) > 0 {
			d.ID, d.Text = d.Findings[0].ID, d.Findings[0].Text
		}
		report.Domains = append(report.Domains, d)
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

func jsonOf(v *sending.Verdict) sentVerdict {
	j := sentVerdict{Verdict: v.Level.String(), Findings: []sentFinding{}, Records: []string{}}
	for _, f := range v.Findings {
		j.Findings = append(j.Findings, sentFinding{string(f.ID), f.Level.String(), f.Text, f.Advice, f.Basis(), f.Publish})
	}
	for _, r := range v.Records {
		j.Records = append(j.Records, r.String())
	}
	return j
}
