package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
	"virtmap/mxcheck"
)

type mxArgs struct {
	asking            askArgs
	inventory, format string
	authoritative     bool
}

func mxCommand(stdio Stdio) *cli.Command {
	var a mxArgs
	return &cli.Command{
		Name:      "mx",
		Usage:     "say of every domain, or of those named, whether its MX records lead to this server",
		ArgsUsage: "[DOMAIN...]",
		Description: `Asks the DNS, or zone files, now, and prints a verdict for each domain, the
worst first, with what to do about it. A domain that is named is checked also
when it is not in the inventory, and its records are printed.
Exits with 1 when a domain does not lead here, and with 75 when the DNS gave
no answer for one.

Examples:
  virtmap mx -i mail.yaml
  virtmap mx --resolver 192.0.2.53 --resolver 198.51.100.53 fakemail.example
  virtmap mx --zone zones --format json`,
		Flags: append([]cli.Flag{
			inventoryFlag(&a.inventory),
			&cli.StringFlag{Name: "format", Value: "text", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: text or json"},
			&cli.BoolFlag{Name: "authoritative", Destination: &a.authoritative, EnvVars: []string{"VIRTMAP_AUTHORITATIVE"},
				Usage: "ask the name servers of each domain too, and say where they differ"},
		}, a.asking.flags()...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := errors.Join(notEmpty(c, "inventory", "format"), a.asking.check(c)); err != nil {
				return err
			}
			if a.format != "text" && a.format != "json" {
				return usage(fmt.Errorf("--format %q: it is text or json", a.format))
			}
			return mx(c.Context, a, c.Args().Slice(), stdio)
		},
	}
}

// A checked domain is a verdict with what the inventory says of its domain.
type checked struct {
	mxcheck.Verdict
	mxCheck inventory.MXCheck
	idle    string // why the verdict decides nothing; empty: it decides
}

// weight orders verdicts: the worse it is, the heavier; one that decides
// nothing is lighter than others of its level.
func (c *checked) weight() int {
	weight := 2 * int(c.Level)
	if c.idle == "" && c.Level > mxcheck.OK {
		weight++
	}
	return weight
}

func mx(ctx context.Context, a mxArgs, names []string, stdio Stdio) error {
	source, faults, err := read(a.inventory, stdio)
	if err != nil {
		return err
	}
	if faults.Failed() {
		return report(stdio, source.Model.Sources, faults, diag.Error)
	}
	all, err := chosen(source.Model, names, stdio)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	q, err := a.asking.open(&source.Model.Host, len(a.asking.zones.Value()) > 0, stdio)
	if err != nil {
		return err
	}
	q.checker.Authoritative = a.authoritative
	for _, f := range q.faults {
		fmt.Fprintln(stdio.Err, f)
	}
	subjects := make([]mxcheck.Subject, len(all))
	for i := range all {
		subjects[i] = all[i].Subject
	}
	verdicts, err := q.ask(ctx, subjects, stdio)
	if err != nil {
		return machineExit(err, exitIO)
	}
	for i, v := range verdicts {
		all[i].Verdict = v
	}
	slices.SortStableFunc(all, func(a, b checked) int { return b.weight() - a.weight() })
	if err := a.print(source.Model, all, len(names) > 0, stdio); err != nil {
		return exit(exitIO, err)
	}
	return mxExit(all)
}

// chosen gives the domains to check: those named, or all that are enabled, in
// the order of the inventory.
func chosen(m *inventory.Model, names []string, stdio Stdio) ([]checked, error) {
	var all []checked
	seen := map[string]bool{}
	for _, name := range names {
		folded, problem := mailaddr.FoldDomain(name)
		if problem != nil {
			return nil, usage(fmt.Errorf("%s", strings.TrimSuffix(problem.Text+"; "+problem.Help, "; ")))
		}
		if seen[folded] {
			continue
		}
		seen[folded] = true
		i, ok := m.Domain(folded)
		if !ok {
			fmt.Fprintf(stdio.Err, "%s is not in the inventory; it is checked as if it were\n", folded)
			all = append(all, checked{Verdict: mxcheck.Verdict{Subject: mxcheck.Subject{Domain: folded}}, mxCheck: inventory.MXRequired})
			continue
		}
		all = append(all, checkedDomain(m, &m.Domains[i]))
	}
	if len(names) > 0 {
		return all, nil
	}
	for i := range m.Domains {
		if d := &m.Domains[i]; d.Enabled {
			all = append(all, checkedDomain(m, d))
		}
	}
	return all, nil
}

func checkedDomain(m *inventory.Model, d *inventory.Domain) checked {
	c := checked{Verdict: mxcheck.Verdict{Subject: hostnames.Subject(m, d)}, mxCheck: m.MXCheckOf(d)}
	switch {
	case hostnames.Decides(m, d):
	case !d.Enabled:
		c.idle = "enabled: false"
	case m.IsHostName(d.Name):
		c.idle = "it is the host's own name"
	default:
		c.idle = "mx_check: " + string(c.mxCheck)
	}
	return c
}

// mxExit gives the exit code: an error counts more than no answer.
func mxExit(all []checked) error {
	var unknown bool
	for i := range all {
		switch c := &all[i]; {
		case c.idle != "":
		case c.Level == mxcheck.Error:
			return exit(exitProblems, nil)
		case c.Level == mxcheck.Unknown:
			unknown = true
		}
	}
	if unknown {
		return exit(exitTryAgain, nil)
	}
	return nil
}

func (a *mxArgs) print(m *inventory.Model, all []checked, records bool, stdio Stdio) error {
	if a.format == "json" {
		return printJSON(m, all, stdio)
	}
	if err := printTable(all, records, stdio); err != nil {
		return err
	}
	_, err := fmt.Fprintln(stdio.Err, summary(all))
	return err
}

var levelColor = map[mxcheck.Level]string{mxcheck.Error: "\x1b[31m", mxcheck.Unknown: "\x1b[35m", mxcheck.Warning: "\x1b[33m", mxcheck.OK: "\x1b[32m"}

// printTable prints a line a domain, and below it what there is to do and, for
// a verdict that is not ok or where they were asked for, the records.
func printTable(all []checked, records bool, stdio Stdio) error {
	out := bufio.NewWriter(stdio.Out)
	domains, ids := len("domain"), len("id")
	for i := range all {
		domains, ids = max(domains, len(all[i].Subject.Domain)), max(ids, len(all[i].ID()))
	}
	domains = min(domains, 40) // a name that is longer moves the rest of its line
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

// remark says that a verdict decides nothing.
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
	text := plural(len(all), "domain")
	separator := ": "
	for _, level := range []mxcheck.Level{mxcheck.Error, mxcheck.Unknown, mxcheck.Warning, mxcheck.OK} {
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

// The JSON form, version 1. Members are added, and none changes its meaning.
type (
	mxReport struct {
		Version int            `json:"version"`
		Host    string         `json:"host"`
		Summary map[string]int `json:"summary"` // how many of each verdict
		Domains []mxDomain     `json:"domains"` // the worst first
	}
	mxDomain struct {
		Domain   string      `json:"domain"`
		Verdict  string      `json:"verdict"` // ok, warning, unknown, error
		ID       string      `json:"id"`
		Action   string      `json:"action"`  // write, keep, hold, relay
		Decides  bool        `json:"decides"` // build acts on it
		Text     string      `json:"text"`
		MXCheck  string      `json:"mx_check"`
		Role     string      `json:"role"`
		Findings []mxFinding `json:"findings"` // the one that decides first
		Records  []string    `json:"records"`  // as a zone file has them
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

func printJSON(m *inventory.Model, all []checked, stdio Stdio) error {
	report := mxReport{Version: 1, Host: m.Host.Name.Text, Summary: map[string]int{}, Domains: []mxDomain{}}
	for i := range all {
		report.Summary[all[i].Level.String()]++
		report.Domains = append(report.Domains, all[i].json())
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
