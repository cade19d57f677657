package resolve_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
)

// The size of the benchmark: domains, and the MX hosts that they share.
const (
	bulkDomains = 100_000
	bulkHosts   = 100
)

// bulkZone returns a zone of many domains with few MX hosts.
func bulkZone() (text string, names []string) {
	var b strings.Builder
	b.WriteString("$ORIGIN example.\n$TTL 3600\n@ SOA ns hostmaster 1 7200 3600 1209600 3600\n@ NS ns\nns A 192.0.2.53\n")
	for i := range bulkHosts {
		fmt.Fprintf(&b, "mx%d A 192.0.2.%d\n", i, i+100)
	}
	for i := range bulkDomains {
		fmt.Fprintf(&b, "d%d MX 10 mx%d\n", i, i%bulkHosts)
		names = append(names, fmt.Sprintf("d%d.example", i))
	}
	return b.String(), names
}

// BenchmarkBulk checks all domains of a large server against NSD. For comparison
// dnsperf asks the same questions.
func BenchmarkBulk(b *testing.B) {
	zone, names := bulkZone()
	server := peer.NSD(b, map[string]string{"example": zone})
	us := mxcheck.Us{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	subjects := make([]mxcheck.Subject, len(names))
	for i, name := range names {
		subjects[i].Domain = name
	}
	b.Run("virtmap", func(b *testing.B) {
		for b.Loop() {
			client, err := resolve.New(resolve.Config{Servers: []netip.AddrPort{server}})
			if err != nil {
				b.Fatal(err)
			}
			checker := mxcheck.Checker{Resolver: client, Us: us, Confirm: true, Absent: "no-such-name"}
			ok := 0
			err = checker.CheckAll(context.Background(), subjects, func(_ int, v mxcheck.Verdict) {
				if v.Level == mxcheck.OK {
					ok++
				}
			})
			if err != nil || ok != len(subjects) {
				b.Fatalf("%d of %d are ok, %v", ok, len(subjects), err)
			}
			client.Close()
		}
		b.ReportMetric(float64(len(subjects)+2*bulkHosts+2)*float64(b.N)/b.Elapsed().Seconds(), "queries/s")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/(1<<20), "MiB")
	})
	b.Run("dnsperf", func(b *testing.B) {
		file := filepath.Join(b.TempDir(), "names")
		var text strings.Builder
		for _, name := range names {
			text.WriteString(name + " MX\n")
		}
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			b.Fatal(err)
		}
		var qps float64
		for b.Loop() {
			out := peer.Run(b, "", "dnsperf", "-s", "127.0.0.1", "-p", strconv.Itoa(int(server.Port())), "-d", file, "-n", "3", "-q", "200")
			rate := regexp.MustCompile(`Queries per second:\s+([\d.]+)`).FindStringSubmatch(out)
			if rate == nil {
				b.Fatal(out)
			}
			qps, _ = strconv.ParseFloat(rate[1], 64)
		}
		b.ReportMetric(qps, "queries/s")
	})
}
