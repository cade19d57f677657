package cli

import (
	"fmt"
	"time"

	"virtmap/internal/build"
	"virtmap/internal/regular"
	"virtmap/internal/report"
)

// The metrics of build, for the textfile collector of node_exporter. All are gauges: the
// file has the state after the last run and counts nothing. A time is a Unix time in
// seconds and not an age, because the file does not change while the time passes
// (prometheus.io, "Instrumentation", "Timestamps, not time since").

// A builtMetrics is a run of build with its end.
type builtMetrics struct {
	ended  time.Time
	code   int  // the exit code
	good   bool // the build had no error
	result *build.Result
}

// measure writes the metrics of a run if they are asked for. ended is false if the run
// panicked. The result is err, or the error of the metrics if err is nil.
func (a *buildArgs) measure(record *buildRecord, ended bool, err error, stdio Stdio) error {
	if a.metrics == "" {
		return err
	}
	m := builtMetrics{ended: time.Now(), code: exitCode(err), good: record.failure == nil, result: record.result}
	if !ended {
		m.code, m.good = exitSoftware, false
	}
	problem := m.write(a.metrics)
	if err == nil {
		return problem
	}
	if problem != nil {
		stdio.tell("virtmap: " + problem.Error())
	}
	return err
}

// runGauges returns the gauges that every run has.
func (m *builtMetrics) runGauges() []report.Gauge {
	success := 0
	if m.good {
		success = 1
	}
	return []report.Gauge{
		{Name: "virtmap_build_info", Help: "The version of virtmap; always 1.", Samples: []report.Sample{{Label: "version", Of: version(), Value: 1}}},
		{Name: "virtmap_last_run_timestamp_seconds", Help: "When the last build ended.", Samples: seconds(m.ended)},
		{Name: "virtmap_last_run_success", Help: "1 if the files are as the inventory says, also when domains are held back; 0 if the last build failed.", Samples: one(success)},
		{Name: "virtmap_last_run_exit_code", Help: "The exit code of the last build.", Samples: one(m.code)},
	}
}

// stateGauges returns the gauges of the state that a build has left. A build that failed
// before it published has no samples for them.
func (m *builtMetrics) stateGauges() []report.Gauge {
	gauges := []report.Gauge{
		{Name: "virtmap_last_change_timestamp_seconds", Help: "When files were put in place last, by a build or a rollback."},
		{Name: "virtmap_oldest_verdict_timestamp_seconds", Help: "When the DNS last answered about the MX records of a domain, for the domain where this is longest ago."},
		{Name: "virtmap_domains_served", Help: "Domains whose mail is taken."},
		{Name: "virtmap_domains_pending", Help: "Served domains whose MX records do not lead to this server."},
		{Name: "virtmap_domains_overdue", Help: "Served domains about which the DNS has not answered for mx.max_unknown_age."},
		{Name: "virtmap_domains_held", Help: "Domains that are held back."},
		{Name: "virtmap_domains_waiting", Help: "Domains that are held back until the DNS answers."},
		{Name: "virtmap_files_waiting", Help: "Files that wait until the server reads what they lead to."},
		{Name: "virtmap_map_rows", Help: "Rows of each map that the inventory makes."},
	}
	if m.result == nil {
		return gauges
	}
	f := m.result.Figures
	samples := [][]report.Sample{
		seconds(m.result.LastChange()), seconds(f.Oldest),
		one(f.Served), one(f.Pending), one(f.Overdue), one(f.Held), one(f.Waiting), one(f.Files), nil,
	}
	for i := range gauges {
		gauges[i].Samples = samples[i]
	}
	maps := &gauges[len(gauges)-1]
	for _, t := range f.Tables {
		maps.Samples = append(maps.Samples, report.Sample{Label: "map", Of: t.Name, Value: float64(t.Rows)})
	}
	return gauges
}

// write writes the file of the metrics. A build that failed has changed nothing of what is
// served: the figures of the file that is there stay.
func (m *builtMetrics) write(path string) error {
	state := m.stateGauges()
	if m.result == nil {
		before, err := regular.ReadIfThere(path)
		if err != nil {
			return machineExit(fmt.Errorf("--metrics: %w", err), exitCannotWrite)
		}
		for i := range state {
			state[i].Samples = report.Samples(before, state[i].Name)
		}
	}
	if err := writeWhole(path, report.Exposition(append(m.runGauges(), state...))); err != nil {
		return machineExit(fmt.Errorf("--metrics: %w", err), exitCannotWrite)
	}
	return nil
}

// seconds returns the sample of a time; no sample if the time is not known.
func seconds(t time.Time) []report.Sample {
	if t.IsZero() {
		return nil
	}
	return one(int(t.Unix()))
}

func one(n int) []report.Sample { return []report.Sample{{Value: float64(n)}} }
