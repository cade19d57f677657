package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"virtmap/hostnames"
	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
	"virtmap/mxcheck"
)

type mxArgs struct {
	asking            askArgs
	inventory, format string
	only              string // words of mxWords, separated by commas; empty: all
	authoritative     bool
	sending           bool
	files             sendingFiles
}

func mxCommand(stdio Stdio) *cli.Command {
	var a mxArgs
	return &cli.Command{
		Name:      "mx",
		Usage:     "say whether the MX records of each domain lead to this server",
		ArgsUsage: "[DOMAIN...]",
		Description: `Asks the DNS, or reads zone files, and prints a verdict for each domain, the worst
first, with what to do about it. With arguments it checks these domains only, also
those that the inventory does not have, and prints their records. Exits with 1
when a domain does not lead here, and with 75 when there was no answer for one;
--only does not change that, nor the numbers of the summary.

With --sending it checks the domains that send mail (sends: of the inventory): SPF, DKIM
and DMARC, the names of the addresses that send, and MTA-STS and TLSA where there are
any. It prints what to publish as lines of a zone file. Only errors exit with 1.
--mta-sts and --certificate name files that are compared with the DNS.

Examples:
  virtmap mx -i mail.yaml
  virtmap mx --resolver 192.0.2.53 --resolver 198.51.100.53 fakemail.example
  virtmap mx --only error,unknown
  virtmap mx --zone zones --format json
  virtmap mx --sending fakemail.example`,
		Flags: append([]cli.Flag{
			inventoryFlag(&a.inventory),
			&cli.StringFlag{Name: "format", Value: "text", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: text or json"},
			&cli.StringFlag{Name: "only", Destination: &a.only, EnvVars: []string{"VIRTMAP_MX_ONLY"},
				Usage: "print only domains with one of these `VERDICTS`, separated by commas: " + strings.Join(mxWords(), ", ")},
			&cli.BoolFlag{Name: "authoritative", Destination: &a.authoritative, EnvVars: []string{"VIRTMAP_AUTHORITATIVE"},
				Usage: "ask the name servers of each domain too, and say where they differ"},
			&cli.BoolFlag{Name: "sending", Destination: &a.sending, EnvVars: []string{"VIRTMAP_SENDING"},
				Usage: "check the records of domains that send mail, and of this host, in place of MX records"},
		}, slices.Concat(a.files.flags(), a.asking.flags())...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := errors.Join(notEmpty(c, "inventory", "only", "format"), onlyOf(a.only, mxWords()), a.asking.check(c), a.files.check(c)); err != nil {
				return err
			}
			if a.format != "text" && a.format != "json" {
				return usage(fmt.Errorf("--format %q: it is text or json", a.format))
			}
			if a.sending && a.authoritative {
				return usage(errors.New("--sending and --authoritative exclude each other: only MX records are compared between name servers"))
			}
			return mx(c.Context, a, c.Args().Slice(), stdio)
		},
	}
}

// levels are all verdicts, the worst first.
var levels = []mxcheck.Level{mxcheck.Error, mxcheck.Unknown, mxcheck.Warning, mxcheck.OK}

// mxWords returns the verdicts, the worst first.
func mxWords() (words []string) {
	for _, level := range levels {
		words = append(words, level.String())
	}
	return words
}

// A checked has the verdict on a domain, and what the inventory says about the domain.
type checked struct {
	mxcheck.Verdict
	mxCheck inventory.MXCheck
	idle    string // why the verdict has no effect; empty: it has one
}

// weight orders verdicts. A worse verdict has a larger weight. A verdict without effect
// has a smaller weight than others of its level.
func (c *checked) weight() int {
	weight := 2 * int(c.Level)
	if c.idle == "" && c.Level > mxcheck.OK {
		weight++
	}
	return weight
}

func mx(ctx context.Context, a mxArgs, names []string, stdio Stdio) error {
	r := readerOf(stdio)
	m, faults, err := r.Domains(a.inventory)
	if err != nil {
		return machineExit(err, exitNoInput)
	}
	if faults.Failed() {
		return printFaults(stdio, m.Sources, faults, diag.Error)
	}
	all, err := chosen(m, names, stdio)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	q, err := a.open(m, stdio)
	if err != nil {
		return err
	}
	if a.sending {
		return a.checkSending(ctx, m, all, len(names) > 0, q, stdio)
	}
	subjects := make([]mxcheck.Subject, len(all))
	for i := range all {
		subjects[i] = all[i].Subject
	}
	verdicts, err := q.Ask(ctx, subjects)
	if err != nil {
		return machineExit(err, exitIO)
	}
	for i, v := range verdicts {
		all[i].Verdict = v
	}
	slices.SortStableFunc(all, func(a, b checked) int { return b.weight() - a.weight() })
	if err := a.print(m, all, len(names) > 0, stdio); err != nil {
		return exit(exitIO, err)
	}
	return mxExit(all)
}

// open prepares the questions, and prints the faults of zone files.
func (a *mxArgs) open(m *inventory.Model, stdio Stdio) (*build.Inquirer, error) {
	asking, err := a.asking.from(build.MXFromDNS)
	if err != nil {
		return nil, err
	}
	if len(asking.Zones) > 0 {
		asking.From = build.MXFromZones
	}
	q, err := asking.Open(&m.Host, &narrator{stages: stdio.stages, stdio: stdio})
	if err != nil {
		return nil, buildExit(err, stdio)
	}
	if a.authoritative {
		q.Authoritatively()
	}
	printZoneFaults(stdio, q.Faults)
	return q, nil
}

// chosen returns the domains to check: those that are named, otherwise all enabled
// ones, in the order of the inventory.
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

// mxExit returns the exit code. An error counts more than a missing answer.
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
