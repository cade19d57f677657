package cli

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/mxcheck/resolve"
)

// askArgs are the flags about questions for MX records.
type askArgs struct {
	zones, resolvers cli.StringSlice
	maxQPS           float64
}

func (a *askArgs) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "zone", Destination: &a.zones, TakesFile: true, EnvVars: []string{"VIRTMAP_ZONE"},
			Usage: "read MX records from the zone file `FILE` (or FILE:ORIGIN), or from the files *.zone, *.db and db.* of a folder, and ask no DNS; repeatable"},
		&cli.StringSliceFlag{Name: "resolver", Destination: &a.resolvers, EnvVars: []string{"VIRTMAP_RESOLVER"},
			Usage: "ask the DNS server `ADDR`, an IP address with or without :PORT; repeatable: a second server must confirm what the first says against a domain", DefaultText: "those of " + resolve.ResolvConf},
		&cli.Float64Flag{Name: "max-qps", Destination: &a.maxQPS, EnvVars: []string{"VIRTMAP_MAX_QPS"},
			Usage: "ask at most `N` questions a second", DefaultText: "500; no bound for servers on this machine"},
	}
}

// Limits of --max-qps.
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

func (a *askArgs) servers() ([]netip.AddrPort, error) {
	var servers []netip.AddrPort
	for _, text := range a.resolvers.Value() {
		server, err := resolve.ParseServer(text)
		if err != nil {
			return nil, usage(fmt.Errorf("--resolver %q: %w", text, err))
		}
		servers = append(servers, server)
	}
	return servers, nil
}

// from returns the source of MX records for a mode.
func (a *askArgs) from(mode string) (build.Asking, error) {
	servers, err := a.servers()
	return build.Asking{From: mode, Zones: a.zones.Value(), Servers: servers, MaxQPS: a.maxQPS}, err
}

// printZoneFaults prints the faults of zone files. Names and texts may come from a
// stranger, so control characters are escaped.
func printZoneFaults(stdio Stdio, faults []resolve.ZoneFault) {
	for _, f := range faults {
		f.File, f.Text, f.Help = diag.Printable(f.File), diag.Printable(f.Text), diag.Printable(f.Help)
		fmt.Fprintln(stdio.Err, f)
	}
}
