package build

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/change"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
)

// wiringName is a file of the state folder. It has what the running server reads, and
// which message about this was the last.
const wiringName = "wiring.json"

// A wiring says what the running server reads of the set of a run.
type wiring struct {
	mta.Reading
	config   mta.Conf
	before   wiringRecord
	now      wiringRecord
	announce bool // the gaps are reported: see announced
	tries    bool // the command of OnChange was not run for these gaps yet
}

// A wiringRecord is the content of wiring.json.
type wiringRecord struct {
	mta.Remembered
	Said   string    `json:"said,omitempty"` // digest of the last message
	SaidAt time.Time `json:"said_at,omitzero"`
	Tried  string    `json:"tried,omitempty"` // digest of the gaps for which the command of OnChange was run
}

// same reports whether two records are equal.
func (r wiringRecord) same(o wiringRecord) bool {
	return r.Started.Equal(o.Started) && slices.Equal(r.Reads, o.Reads) && r.Said == o.Said && r.Tried == o.Tried && r.SaidAt.Equal(o.SaidAt)
}

// sayAgain is the time after which the same gap is reported again.
const sayAgain = 24 * time.Hour

// Reads say what the running server does not read of a set.
type Reads struct {
	Missing []string // what it does not read, and why, one line each
	Lacking bool     // something is missing, or files wait
	Untold  bool     // this must be reported
	Steps   []string // what a person must do about it; lines for a file are indented
}

// configuration reads the configuration of the server whose files are written.
func (r *run) configuration() (mta.Conf, error) { return r.server.Conf(r.Out, r.onServer()) }

// wire finds out what the running server reads. It holds back the files with which the
// server would refuse mail, because it does not read other files.
func (r *run) wire() error {
	if r.server.Conf == nil || !r.live() {
		return nil
	}
	config, err := r.configuration()
	if err != nil {
		return as(IO, err)
	}
	w := &wiring{config: config, before: recalled(r.State)}
	w.now = w.before
	started := r.started(config, w.before.Remembered)
	w.Reading = config.Reading(r.source, r.Out, started, w.before.Remembered)
	if w.Remember != nil && !r.Reloaded {
		w.now.Remembered = *w.Remember
	}
	r.wiring = w
	if !slices.Contains(r.Guards.Allow, change.Unwired) {
		w.hold(r.set.Outputs)
	}
	told := r.commands() && (publish.Unannounced(publish.OS, r.State) != "" || owes(r.State))
	w.announced(r.DryRun || r.Watched || told, r.commands())
	if w.now.same(w.before) {
		return nil
	}
	text, err := json.Marshal(w.now)
	if err != nil {
		return &Error{Kind: Bug, Err: err}
	}
	r.set.Records = append(r.set.Records, publish.Record{Name: wiringName, Content: append(text, '\n')})
	return nil
}

// hold holds back the outputs that must wait.
func (w *wiring) hold(outputs []publish.Output) {
	for i := range outputs {
		if out := &outputs[i]; !out.Shared {
			out.Hold = w.Holds(filepath.Base(out.Path))
		}
	}
}

// recalled returns the record of a state folder. A damaged record is empty.
func recalled(state string) (r wiringRecord) {
	text, err := publish.ReadState(publish.OS, filepath.Join(state, wiringName))
	if err != nil || json.Unmarshal(text, &r) != nil {
		return wiringRecord{}
	}
	return r
}

// announced decides whether the gaps are reported: if they changed, once a day, and
// always if all is true. It decides too whether the command of OnChange is run for the gaps:
// once, because a command that restarts the server does not help while a person has a line
// to write.
func (w *wiring) announced(all, commands bool) {
	if w.Complete() {
		w.now.Said, w.now.SaidAt, w.now.Tried = "", time.Time{}, ""
		return
	}
	now := now()
	said := sha256Of([]byte(strings.Join(w.Says, "\n")))
	w.tries = commands && said != w.before.Tried
	if w.tries {
		w.now.Tried = said
	}
	w.announce = all || w.tries || said != w.before.Said || now.Sub(w.before.SaidAt) >= sayAgain || now.Before(w.before.SaidAt)
	if w.announce {
		w.now.Said, w.now.SaidAt = said, now
	}
}

// readWritten reads the configuration again if the run has written it: what it lacked
// before is not missing any more. An error leaves the earlier reading.
func (r *run) readWritten(report publish.Report) {
	w := r.wiring
	wrote := slices.ContainsFunc(report.Changes, func(c publish.Change) bool { return c.Path == r.Config })
	if w == nil || r.DryRun || !wrote {
		return
	}
	if config, err := r.configuration(); err == nil {
		w.config = config
		w.Reading = config.Reading(r.source, r.Out, r.started(config, w.now.Remembered), w.now.Remembered)
	}
}

// describe adds to a result what is not read. A configuration that was generated again
// with the same lines is no gap.
func (w *wiring) describe(result *Result) {
	if w == nil {
		return
	}
	lacking := len(w.Gaps) > 0 || len(result.Held) > 0
	result.Reads = Reads{Missing: w.Says, Lacking: lacking, Untold: lacking && (w.announce || len(result.Changes) > 0)}
	if lacking {
		result.Reads.Steps = w.Steps()
	}
}

// startsWithin is how long to wait, after the command of OnChange has restarted the
// server, until the server has written its pid file.
const startsWithin = 5 * time.Second

// finishWired reads the configuration again after the command of OnChange. If nothing
// is missing any more, again says that another run must put the waiting files in place.
// Otherwise Events receive the result.
func (r *run) finishWired(ctx context.Context, result *Result) (again bool, err error) {
	w := r.wiring
	if !result.Runs || !result.Reads.Untold {
		return false, nil
	}
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if w.config, err = r.configuration(); err != nil {
			return false, as(IO, err)
		}
		w.Reading = w.config.Reading(r.source, r.Out, r.started(w.config, w.now.Remembered), w.now.Remembered)
		if !w.Stale || len(w.Gaps) > 0 || ctx.Err() != nil || time.Since(began) > startsWithin {
			break
		}
	}
	w.describe(result)
	switch {
	case w.Complete() && len(result.Held) == 0:
		return false, nil
	case !w.Complete() || r.second:
		r.events.StillUnread(result)
		return false, nil
	}
	return true, nil
}
