package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
	"virtmap/inventory"
)

// wiringName is a file of the state folder: what the running server reads, and
// what was said of that last.
const wiringName = "wiring.json"

// A wiring is what the running server reads of the set of a job.
type wiring struct {
	conf.Serving
	config   *conf.Config
	before   wiringRecord
	now      wiringRecord
	announce bool // the gaps are told: see buildArgs.announce
}

// A wiringRecord is the content of wiring.json.
type wiringRecord struct {
	conf.Remembered
	Said   string    `json:"said,omitempty"` // digest of what was said
	SaidAt time.Time `json:"said_at,omitzero"`
}

// sameStart is how far apart two times of one start may be, where the time was
// worked out.
const sameStart = 200 * time.Millisecond

// same reports whether two records say the same.
func (r wiringRecord) same(o wiringRecord) bool {
	return r.Started.Equal(o.Started) && slices.Equal(r.Reads, o.Reads) && r.Said == o.Said && r.SaidAt.Equal(o.SaidAt)
}

// sayAgain is how often the same gap is told.
const sayAgain = 24 * time.Hour

// isLive reports whether a folder is the one from which the server reads, under its
// own name or another.
func isLive(dir string, host *inventory.Host) bool {
	whole, err := filepath.Abs(dir)
	return err == nil && conf.SamePath(conf.Clean(whole), host.MailDir.Text)
}

// configuration is that of the server whose files a build writes.
func (a *buildArgs) configuration() (*conf.Config, error) {
	return configurationOf(a.out, a.state == stateServer)
}

// configurationOf reads the sendmail.cf of a folder. Where it has none, and the
// files are those of this machine, the one of /etc/mail counts, if it names a file
// there.
func configurationOf(dir string, here bool) (*conf.Config, error) {
	c, err := conf.Read(dir)
	if err != nil || c.Path != "" || !here {
		return c, err
	}
	usual, err := conf.Read(mcfile.DefaultDir)
	if err == nil && slices.ContainsFunc(usual.Paths(), func(path string) bool { return conf.SamePath(filepath.Dir(path), dir) }) {
		return usual, nil
	}
	return c, err
}

// wire finds out what the running server reads, and holds the files back that would
// have it refuse mail because it does not read others.
func (a *buildArgs) wire(j *job, stdio Stdio) error {
	if !isLive(a.out, &j.source.Model.Host) {
		return nil
	}
	config, err := a.configuration()
	if err != nil {
		return machineExit(err, exitIO)
	}
	w := &wiring{config: config, before: recalled(a.state)}
	started := a.started(config, w.before.Remembered)
	w.now = w.before
	settings := j.source.Settings()
	w.Serving = config.Serving(settings, started, w.before.Remembered)
	w.Gaps = j.source.Needed(w.Gaps)
	if m, ok := w.Remember(started); ok && !a.reloaded {
		w.now.Remembered = m
	}
	j.wiring = w
	if !slices.Contains(a.guards.allow.Value(), change.Unwired) {
		j.source.Hold(j.set.Outputs, a.out, &w.Serving)
	}
	a.announce(w, stdio)
	if w.now.same(w.before) {
		return nil
	}
	text, err := json.Marshal(w.now)
	if err != nil {
		return exit(exitSoftware, err)
	}
	j.set.Records = append(j.set.Records, publish.Record{Name: wiringName, Content: append(text, '\n')})
	return nil
}

// recalled is the record in a state folder; one that is damaged remembers nothing.
func recalled(state string) (r wiringRecord) {
	text, err := publish.ReadState(publish.OS, filepath.Join(state, wiringName))
	if err != nil || json.Unmarshal(text, &r) != nil {
		return wiringRecord{}
	}
	return r
}

// announce decides whether the gaps are told: when they changed, once a day, and
// to a person always.
func (a *buildArgs) announce(w *wiring, stdio Stdio) {
	if w.Complete() {
		w.now.Said, w.now.SaidAt = "", time.Time{}
		return
	}
	now := time.Now().UTC().Truncate(time.Second)
	said := sha256Of([]byte(strings.Join(w.Says(), "\n")))
	w.announce = a.dryRun || isTerminal(stdio.Err) || said != w.before.Said || now.Sub(w.before.SaidAt) >= sayAgain || now.Before(w.before.SaidAt)
	if w.announce {
		w.now.Said, w.now.SaidAt = said, now
	}
}

// started is when the running server read its configuration, as far as that is
// known; zero where none runs. before is what was known.
func (a *buildArgs) started(config *conf.Config, before conf.Remembered) time.Time {
	daemon, runs := config.Daemon(a.state != stateServer)
	if !runs {
		return time.Time{}
	}
	if daemon.Coarse && daemon.Started.Sub(before.Started).Abs() < sameStart {
		daemon.Started = before.Started
	}
	if a.reloaded {
		return time.Now()
	}
	if info, err := os.Stat(filepath.Join(a.state, reloadedName)); err == nil && info.ModTime().After(daemon.Started) {
		return info.ModTime()
	}
	return daemon.Started
}

// lacking reports whether the server does not read all that it must. That a
// configuration with the same lines was made anew since the last start is nothing.
func (w *wiring) lacking(result publish.Report) bool {
	return w != nil && (len(w.Gaps) > 0 || len(result.Held) > 0)
}

// untold reports whether what is lacking is to be told.
func (w *wiring) untold(result publish.Report) bool {
	return w.lacking(result) && (w.announce || len(result.Changes) > 0)
}

// sayWiring says what the server does not read, which files wait, and what to do.
// When the command of --on-change comes next, finishWired says what to do.
func (a *buildArgs) sayWiring(j *job, result publish.Report, stdio Stdio) {
	w := j.wiring
	if !w.untold(result) {
		return
	}
	for _, line := range w.Says() {
		fmt.Fprintln(stdio.Err, diag.Printable(line))
	}
	if a.willRun(result) {
		fmt.Fprintf(stdio.Err, "%s for the command of --on-change, which is run now\n", waiting(result.Held))
		return
	}
	a.saySteps(j, result, stdio)
}

// willRun reports whether the command of --on-change is run for a result.
func (a *buildArgs) willRun(result publish.Report) bool {
	return a.onChange != "" && !a.dryRun && a.kinds(result.Changes) != ""
}

// waiting says which files are held.
func waiting(held []string) string {
	switch len(held) {
	case 0:
		return "nothing waits"
	case 1:
		return filepath.Base(held[0]) + " waits"
	}
	return strings.Join(bases(held), " ") + " wait"
}

// saySteps prints which files wait, and the commands to type.
func (a *buildArgs) saySteps(j *job, result publish.Report, stdio Stdio) {
	steps := j.wiring.config.Steps(j.wiring.Serving, j.source.Settings())
	intro := "nothing waits, and mail comes by the new files once sendmail reads them:"
	if len(result.Held) > 0 {
		intro = waiting(result.Held) + ", so that no mail is refused meanwhile. To go on:"
		steps = append(steps, "virtmap build once more, which puts the rest in place")
	}
	fmt.Fprintln(stdio.Err, intro)
	for i, step := range steps {
		head := fmt.Sprintf("  %d. ", i+1)
		for line := range strings.SplitSeq(step, "\n") {
			fmt.Fprintf(stdio.Err, "%s%s\n", head, diag.Printable(line))
			head = "     "
		}
	}
}

// bases are the last parts of paths.
func bases(paths []string) []string {
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = filepath.Base(path)
	}
	return names
}

// startsWithin is how long a sendmail that the command of --on-change restarts may
// take until it has written its pid file.
const startsWithin = 5 * time.Second

// finishWired reads the configuration again when the command of --on-change was
// run. It builds once more where nothing is missing any more, and says what to do
// otherwise. done says that it built.
func (a *buildArgs) finishWired(ctx context.Context, j *job, result publish.Report, stdio Stdio) (done bool, err error) {
	w := j.wiring
	if !a.willRun(result) || !w.untold(result) {
		return false, nil
	}
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if w.config, err = a.configuration(); err != nil {
			return false, machineExit(err, exitIO)
		}
		w.Serving = w.config.Serving(j.source.Settings(), a.started(w.config, w.now.Remembered), w.now.Remembered)
		w.Gaps = j.source.Needed(w.Gaps)
		if !w.Stale || len(w.Gaps) > 0 || ctx.Err() != nil || time.Since(began) > startsWithin {
			break
		}
	}
	switch {
	case w.Complete() && len(result.Held) == 0:
		return false, nil
	case !w.Complete() || a.second:
		fmt.Fprintln(stdio.Err, "the command of --on-change was run, and the server does not read all of it yet")
		a.saySteps(j, result, stdio)
		return false, nil
	}
	again := *a.typed
	again.second = true
	return true, build(ctx, again, stdio)
}

// wiringExit gives the exit code of a build whose set is not read yet.
func wiringExit(j *job, result publish.Report) error {
	if j.wiring.lacking(result) {
		return exit(exitHeld, nil)
	}
	return nil
}
