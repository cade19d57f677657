package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v2"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/inventory"
	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
)

// Where verdicts come from.
const (
	mxDNS  = "dns"
	mxZone = "zone"
	mxOff  = "off"
)

// askArgs say who is asked about MX records.
type askArgs struct {
	zones, resolvers cli.StringSlice
	maxQPS           float64
}

func (a *askArgs) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "zone", Destination: &a.zones, TakesFile: true, EnvVars: []string{"VIRTMAP_ZONE"},
			Usage: "take MX records from the zone file `FILE`, FILE:ORIGIN, or the *.zone, *.db and db.* of a folder, and ask no DNS; repeatable"},
		&cli.StringSliceFlag{Name: "resolver", Destination: &a.resolvers, EnvVars: []string{"VIRTMAP_RESOLVER"},
			Usage: "ask the DNS server `ADDR`, an IP address with or without :PORT; repeatable, a second one confirms what the first says against a domain", DefaultText: "those of " + resolve.ResolvConf},
		&cli.Float64Flag{Name: "max-qps", Destination: &a.maxQPS, EnvVars: []string{"VIRTMAP_MAX_QPS"},
			Usage: "ask at most `N` questions a second", DefaultText: "500; no bound for servers on this machine"},
	}
}

// Bounds of --max-qps.
const (
	leastQPS = 0.1
	mostQPS  = 1_000_000
)

func (a *askArgs) check(c *cli.Context) error {
	if c.IsSet("max-qps") && !(a.maxQPS >= leastQPS && a.maxQPS <= mostQPS) || math.IsNaN(a.maxQPS) {
		return usage(fmt.Errorf("--max-qps must be between %v and %v", leastQPS, mostQPS))
	}
	if _, err := a.servers(); err != nil {
		return err
	}
	if len(a.zones.Value()) > 0 && len(a.resolvers.Value()) > 0 {
		return usage(errors.New("--zone and --resolver exclude each other: zone files are not asked of a server"))
	}
	return nil
}

// An inquirer asks about the domains of an inventory.
type inquirer struct {
	checker mxcheck.Checker
	faults  []resolve.ZoneFault // of zone files, none of them fatal
	zones   resolve.Reading     // of zone files
	close   func() error
}

// open gets ready to ask. Zone files with fatal faults are refused, and those
// printed; others are the caller's to print: not every minute.
func (a *askArgs) open(host *inventory.Host, zones bool, stdio Stdio) (*inquirer, error) {
	q := &inquirer{close: func() error { return nil }}
	q.checker.Us, q.checker.Probe = hostnames.Us(host), "virtmap-"+strings.ToLower(rand.Text()[:10])
	if zones {
		files, faults, err := a.loadZones(stdio)
		if err != nil {
			return nil, err
		}
		q.checker.Resolver, q.checker.Covers = files, files.Covers
		q.faults, q.zones = faults, files.Reading()
		return q, nil
	}
	servers, err := a.servers()
	if err != nil {
		return nil, err
	}
	client, err := resolve.New(resolve.Config{Servers: servers, MaxQPS: a.maxQPS})
	if err != nil {
		return nil, exit(exitIO, err)
	}
	q.checker.Resolver, q.checker.Confirm, q.close = client, true, client.Close
	return q, nil
}

func (a *askArgs) loadZones(stdio Stdio) (*resolve.Zones, []resolve.ZoneFault, error) {
	files, faults, err := resolve.LoadZones(a.zones.Value())
	if err != nil {
		code := exitNoInput
		if errors.Is(err, fs.ErrPermission) {
			code = exitPermission
		}
		return nil, nil, exit(code, fmt.Errorf("--zone: %w", err))
	}
	if slices.ContainsFunc(faults, func(f resolve.ZoneFault) bool { return f.Fatal }) {
		printZoneFaults(stdio, faults)
		return nil, nil, exit(exitProblems, nil)
	}
	return files, faults, nil
}

// printZoneFaults prints the faults of zone files, without what a terminal would
// act on: names and texts may be a stranger's.
func printZoneFaults(stdio Stdio, faults []resolve.ZoneFault) {
	for _, f := range faults {
		f.File, f.Text, f.Help = diag.Printable(f.File), diag.Printable(f.Text), diag.Printable(f.Help)
		fmt.Fprintln(stdio.Err, f)
	}
}

func (a *askArgs) servers() ([]netip.AddrPort, error) {
	var servers []netip.AddrPort
	for _, text := range a.resolvers.Value() {
		server, err := resolve.ParseServer(text)
		if err != nil {
			return nil, usage(fmt.Errorf("--resolver %q: %w", text, err))
		}
		servers = append(servers, server)
	}
	if len(servers) == 0 {
		servers = resolve.SystemServers(resolve.ResolvConf)
	}
	return servers, nil
}

// ask gives the verdicts on subjects, in their order. On a terminal, a bar
// shows how far a long run has come.
func (q *inquirer) ask(ctx context.Context, subjects []mxcheck.Subject, stdio Stdio) ([]mxcheck.Verdict, error) {
	verdicts := make([]mxcheck.Verdict, len(subjects))
	stdio.stages.Enter("ask the DNS")
	stdio.stages.hide()
	bar := progress("asking the DNS", len(subjects), stdio)
	err := q.checker.CheckAll(ctx, subjects, func(i int, v mxcheck.Verdict) {
		verdicts[i] = v
		bar()
	})
	return verdicts, errors.Join(err, q.close())
}

// progress gives a function to call for every step. Nothing is shown where
// standard error is no terminal, or the run is short.
func progress(doing string, steps int, stdio Stdio) (step func()) {
	if !isTerminal(stdio.Err) {
		return func() {}
	}
	var bar *progressbar.ProgressBar
	start, done := time.Now(), 0
	return func() {
		done++
		if bar == nil && time.Since(start) > time.Second && done < steps {
			bar = progressbar.NewOptions(steps, progressbar.OptionSetWriter(stdio.Err), progressbar.OptionSetDescription(doing),
				progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(true))
			_ = bar.Set(done) // an ornament
		} else if bar != nil {
			_ = bar.Add(1)
		}
	}
}
