package cli

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v2"

	"virtmap/internal/publish"
)

// A stages follows the stages of a long command. A person sees a bar on a terminal, and
// --timings prints the time of each stage. A nil *stages is valid: its methods do
// nothing.
type stages struct {
	err   io.Writer
	began time.Time

	mu   sync.Mutex
	all  []stage
	wait *time.Timer
	bar  *progressbar.ProgressBar

	late   bool // the run takes longer than patience
	hidden bool // the bar is hidden until the next stage, because something is printed
	ended  bool
}

// A stage is a part of a command. While the inventory is read, rows are addresses.
type stage struct {
	name  string
	began time.Time
	took  time.Duration
	rows  int
	bytes int64
}

// patience is the time after which a bar is shown.
const patience = 500 * time.Millisecond

// usualStages is the usual number of stages of a build.
const usualStages = 9

func newStages(stdio Stdio) *stages {
	s := &stages{err: stdio.Err, began: time.Now()}
	if isTerminal(stdio.Err) {
		s.wait = time.AfterFunc(patience, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.late = true; !s.hidden {
				s.draw()
			}
		})
	}
	return s
}

// Enter begins a stage and ends the one before.
func (s *stages) Enter(name string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave()
	s.hidden = false
	s.all = append(s.all, stage{name: name, began: time.Now()})
	if s.bar != nil || s.late {
		s.draw()
	}
}

// Bytes adds bytes to the current stage.
func (s *stages) Bytes(n int64) {
	s.count(func(now *stage) { now.bytes += n })
}

// Rows adds rows to the current stage.
func (s *stages) Rows(n int) {
	s.count(func(now *stage) { now.rows += n })
}

func (s *stages) count(add func(now *stage)) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) > 0 {
		add(&s.all[len(s.all)-1])
	}
}

func (s *stages) leave() {
	if len(s.all) > 0 {
		if last := &s.all[len(s.all)-1]; last.took == 0 {
			last.took = time.Since(last.began)
		}
	}
}

// draw shows the current stage.
func (s *stages) draw() {
	if s.ended || len(s.all) == 0 {
		return
	}
	if s.bar == nil {
		s.bar = progressbar.NewOptions(max(usualStages, len(s.all)), progressbar.OptionSetWriter(s.err), progressbar.OptionClearOnFinish(),
			progressbar.OptionUseANSICodes(true), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(true))
	}
	s.bar.Describe(s.all[len(s.all)-1].name)
	_ = s.bar.Set(min(len(s.all), usualStages) - 1) // an error does not matter
}

// hide removes the bar before something is printed.
func (s *stages) hide() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = true
	if s.bar != nil {
		_ = s.bar.Clear() // an error does not matter
	}
}

// End ends the last stage, and the bar.
func (s *stages) End() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.leave()
	s.ended = true
	if s.wait != nil {
		s.wait.Stop()
	}
	if s.bar != nil {
		_ = s.bar.Finish() // an error does not matter
	}
}

// print prints the time of every stage.
func (s *stages) print() error {
	s.End()
	w := tabwriter.NewWriter(s.err, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "seconds\trows\tbytes\t  stage")
	for _, st := range s.all {
		fmt.Fprintf(w, "%.3f\t%s\t%s\t  %s\n", st.took.Seconds(), orDash(int64(st.rows)), orDash(st.bytes), st.name)
	}
	fmt.Fprintf(w, "%.3f\t\t\t  all\n", time.Since(s.began).Seconds())
	return w.Flush()
}

func orDash(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func timingsFlag(timings *bool) cli.Flag {
	return &cli.BoolFlag{Name: "timings", Destination: timings, EnvVars: []string{"VIRTMAP_TIMINGS"},
		Usage: "print the seconds, rows and bytes of each stage at the end"}
}

// watcher returns the stages for publishing; nil if the command has none.
func (s Stdio) watcher() publish.Watcher {
	if s.stages == nil {
		return nil
	}
	return s.stages
}

// followed runs a command and follows its stages.
func followed(timings bool, stdio Stdio, run func(Stdio) error) error {
	stdio.stages = newStages(stdio)
	err := run(stdio)
	stdio.stages.End()
	if timings {
		if problem := stdio.stages.print(); problem != nil && err == nil {
			err = exit(exitIO, problem)
		}
	}
	return err
}
