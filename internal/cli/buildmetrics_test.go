package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// measured builds with metrics, and returns the values of their file.
func measured(t *testing.T, path string, args ...string) (code int, values map[string]float64) {
	t.Helper()
	code, _, _ = run("", append([]string{"build", "--metrics", path}, args...)...)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values, err = parseExposition(string(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return code, values
}

// metricsSite is a folder with an inventory of three domains, of which one has no MX here.
func metricsSite(t *testing.T) (path string, args []string) {
	t.Helper()
	dir := t.TempDir()
	zone := "$TTL 3600\n@ SOA ns.example.net. hostmaster.example.net. 1 7200 3600 1209600 300\n NS ns.example.net.\n MX 10 "
	for name, text := range map[string]string{
		"mail.yaml": "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: , bea: }\ndomains:\n" +
			"  a.example: {addresses: {fake: andrei, info: [andrei, bea]}}\n  b.example: {addresses: {fake: bea}}\n  c.example: {mx_check: skip}\n",
		"a.example.zone": zone + "mx1.example.net.\n", "b.example.zone": zone + "mx2.example.net.\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "virtmap.prom"), []string{"-i", filepath.Join(dir, "mail.yaml"), "-o", filepath.Join(dir, "out"), "--zone", dir}
}

func TestMetricsOfABuild(t *testing.T) {
	path, args := metricsSite(t)
	defer syscall.Umask(syscall.Umask(0o077)) // node_exporter is another user
	before := time.Now().Unix()
	code, values := measured(t, path, args...)
	for name, want := range map[string]float64{
		"virtmap_last_run_success": 1, "virtmap_last_run_exit_code": exitHeld, "virtmap_domains_served": 2, "virtmap_domains_held": 1,
		"virtmap_domains_waiting": 0, "virtmap_domains_pending": 0, "virtmap_domains_overdue": 0, "virtmap_files_waiting": 0,
		`virtmap_map_rows{map="virtusertable"}`: 4, `virtmap_map_rows{map="virtmap-aliases"}`: 2,
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"virtmap_last_run_timestamp_seconds", "virtmap_last_change_timestamp_seconds", "virtmap_oldest_verdict_timestamp_seconds"} {
		if got := int64(values[name]); got < before || got > time.Now().Unix() {
			t.Errorf("%s is %d, and the build began at %d", name, got, before)
		}
	}
	if code != exitHeld {
		t.Errorf("it exits with %d", code)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".virtmap-new-*")); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

// TestMetricsOfABuildThatFails: what is served did not change, and the figures stay.
func TestMetricsOfABuildThatFails(t *testing.T) {
	path, args := metricsSite(t)
	_, good := measured(t, path, args...)
	inventory, err := os.ReadFile(args[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(args[1], []byte(strings.Replace(string(inventory), "fake: andrei", "fake: andrie", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	code, values := measured(t, path, args...)
	if code != exitProblems || values["virtmap_last_run_success"] != 0 || values["virtmap_last_run_exit_code"] != exitProblems {
		t.Errorf("it exits with %d, and the metrics are %v", code, values)
	}
	if len(values) != len(good) {
		t.Errorf("the metrics are %v, and were %v", values, good)
	}
	for name, want := range good {
		if got := values[name]; got != want && !strings.HasPrefix(name, "virtmap_last_run") {
			t.Errorf("%s is %v, and was %v", name, got, want)
		}
	}

	// Without a file of an earlier run there are no figures, and with a damaged one too.
	for _, text := range []string{"", "virtmap_domains_served\nvirtmap_domains_held{ 1\n\x00"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, values := measured(t, path, args...); len(values) != 4 {
			t.Errorf("after %q the metrics are %v", text, values)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if code, values := measured(t, path, append(args, "--mx", "nonsense")...); code != exitUsage || values["virtmap_last_run_exit_code"] != exitUsage {
		t.Errorf("a wrong value exits with %d, and the metrics are %v", code, values)
	}
	if code, values := measured(t, path, "-i", filepath.Join(filepath.Dir(path), "absent.yaml")); code != exitNoInput || values["virtmap_last_run_success"] != 0 {
		t.Errorf("a missing inventory exits with %d, and the metrics are %v", code, values)
	}
}

// TestMetricsOfAnUnchangedServer: the file is written at each run, also when nothing is
// left to do.
func TestMetricsOfAnUnchangedServer(t *testing.T) {
	path, args := metricsSite(t)
	args = append(args[:4:4], "--mx", "off")
	for range 3 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		code, values := measured(t, path, args...)
		if _, asked := values["virtmap_oldest_verdict_timestamp_seconds"]; code != exitOK || values["virtmap_domains_served"] != 3 || asked {
			t.Errorf("it exits with %d, and the metrics are %v", code, values)
		}
		time.Sleep(60 * time.Millisecond) // the age of a file of which a build remembers that it did not change
	}
}

// TestMetricsThatCannotBeWritten: the exit code says so, unless the build has one of its
// own.
func TestMetricsThatCannotBeWritten(t *testing.T) {
	path, args := metricsSite(t)
	nowhere := filepath.Join(filepath.Dir(path), "absent", "virtmap.prom")
	args = append(args[:4:4], "--mx", "off", "--metrics", nowhere)
	code, _, stderr := run("", append([]string{"build"}, args...)...)
	if code != exitCannotWrite || !strings.Contains(stderr, "--metrics: ") {
		t.Errorf("it exits with %d: %s", code, stderr)
	}
	args[1] = filepath.Join(filepath.Dir(path), "absent.yaml")
	code, _, stderr = run("", append([]string{"build"}, args...)...)
	if code != exitNoInput || !strings.Contains(stderr, "--metrics: ") {
		t.Errorf("with an error of its own it exits with %d: %s", code, stderr)
	}
	if code, _, stderr = run("", append([]string{"build", "--dry-run"}, args...)...); code != exitUsage || !strings.Contains(stderr, "a dry run is no build") {
		t.Errorf("a dry run exits with %d: %s", code, stderr)
	}
}

func TestMetricsOfAPanic(t *testing.T) {
	path, _ := metricsSite(t)
	a := buildArgs{metrics: path}
	if err := a.measure(&buildRecord{}, false, nil, Stdio{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "\nvirtmap_last_run_exit_code 70\n") || !strings.Contains(string(text), "\nvirtmap_last_run_success 0\n") {
		t.Errorf("the metrics are %s, %v", text, err)
	}
}

// TestAlertsAreAboutMetrics: the alerts and the page name only metrics that there are, and
// the page has all of them.
func TestAlertsAreAboutMetrics(t *testing.T) {
	known := map[string]bool{}
	m := &builtMetrics{}
	for _, g := range append(m.runGauges(), m.stateGauges()...) {
		known[g.Name] = true
	}
	alerts, page := pageOf(t, "contrib/virtmap-alerts.yml"), pageOf(t, "docs/cron.md")
	for _, text := range []string{alerts, page} {
		for _, name := range regexp.MustCompile(`virtmap_\w+`).FindAllString(text, -1) {
			if !known[name] {
				t.Errorf("there is no metric %s", name)
			}
		}
	}
	for name := range known {
		if !strings.Contains(page, "`"+name) {
			t.Errorf("docs/cron.md does not say what %s is", name)
		}
	}
	var rules strings.Builder
	for line := range strings.Lines(alerts) {
		if !strings.HasPrefix(line, "#") {
			rules.WriteString(line)
		}
	}
	if !strings.Contains(page, "```\n"+rules.String()+"```\n") {
		t.Error("docs/cron.md does not have the alerts of contrib")
	}
}
