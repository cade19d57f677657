package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/lint"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/publish"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A job is a build that is ready to be published: what the inventory becomes,
// with the domains that DNS lets in and the rows of those that leave.
type job struct {
	source  sendmail.Build
	set     publish.Set
	serving *serving
	leaving []string // domains whose rows stay for a while
	wiring  *wiring  // nil: the folder is no server's
	leave   func() error
	digest  string            // of the inventory
	instead map[string]string // what the guards compared in place of damaged files

	compared *change.Change // what the guards looked at; nil: nothing

	faults    *diag.List // warnings of the inventory, for who looks at a change
	dnsFaults diag.List  // of the DNS; what was not printed was not said
}

// prepare reads, asks and compiles. The caller leaves the folders with leave.
func (a *buildArgs) prepare(ctx context.Context, stdio Stdio) (*job, error) {
	a.tell = stdio.tell
	if err := errors.Join(a.mode(), a.finishStopped(ctx)); err != nil {
		return nil, err
	}
	least := diag.Warning
	if a.quiet {
		least = diag.Error
	}
	j, err := a.load(ctx, least, stdio)
	if err != nil {
		return nil, err
	}
	j.digest = j.source.Model.Sources.Digest()
	j.set = publish.Set{State: a.state, Adopt: a.adopt, DryRun: a.dryRun, Entered: true, FS: publish.OS, Tell: a.tell}
	err = a.work(ctx, j, stdio)
	if err == nil && j.faults.Failed() {
		err = printFaults(stdio, j.source.Model.Sources, j.faults, least)
	}
	if err == nil {
		lint.Silence(j.source.Model, &j.dnsFaults)
		err = printFaults(stdio, j.source.Model.Sources, &j.dnsFaults, least)
	}
	if err != nil {
		return nil, errors.Join(err, j.leave())
	}
	return j, nil
}

// load reads the inventory and locks the folders that it is for. Who waited
// for them reads it again: it may have been edited meanwhile, and the other
// build may have published that.
func (a *buildArgs) load(ctx context.Context, least diag.Severity, stdio Stdio) (*job, error) {
	j := &job{leave: func() error { return nil }}
	given := a.out
	for began := time.Now(); ; began = time.Now() {
		var err error
		if j.source, j.faults, err = read(a.inventory, stdio); err != nil {
			return nil, errors.Join(err, j.leave())
		}
		m := j.source.Model
		if j.faults.Failed() {
			return nil, errors.Join(printFaults(stdio, m.Sources, j.faults, least), j.leave())
		}
		if err := a.place(&m.Host); err != nil {
			return nil, errors.Join(err, j.leave())
		}
		if a.entered && given == "" && m.Host.MailDir.Text != a.out {
			return nil, errors.Join(exit(exitTryAgain, errors.New("the inventory was edited meanwhile and names another mail_dir; run it again")), j.leave())
		}
		if a.dryRun || a.entered {
			return j, nil
		}
		if j.leave, err = a.enter(ctx, a.out, a.state); err != nil {
			return nil, err
		}
		a.entered = true
		if !editedSince(m.Sources, began) {
			return j, nil
		}
	}
}

// editedSince reports whether a source was changed after a moment, as coarse
// as the clock of a file system is.
func editedSince(sources *diag.Sources, began time.Time) bool {
	for name := range sources.Names() {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(began.Add(-20*time.Millisecond)) {
			return true
		}
	}
	return false
}

// warn prints the warnings of the inventory. cron hears of them when something
// changes, a person always.
func (a *buildArgs) warn(j *job, changes int, stdio Stdio) error {
	if a.quiet || changes == 0 && !isTerminal(stdio.Err) {
		return nil
	}
	return printFaults(stdio, j.source.Model.Sources, j.faults, diag.Warning)
}

// work decides which domains are served and works out the files.
func (a *buildArgs) work(ctx context.Context, j *job, stdio Stdio) (err error) {
	if j.serving, err = a.choose(ctx, j, stdio); err != nil {
		return err
	}
	if err := a.keepLeaving(j); err != nil {
		return err
	}
	if err := a.outputs(j.source, &j.set, j.faults); err != nil {
		return err
	}
	return a.wire(j, stdio)
}

// enter locks the folders.
func (a *buildArgs) enter(ctx context.Context, folder, state string) (leave func() error, err error) {
	holder := publish.Holder{PID: os.Getpid(), Command: "virtmap build -i " + a.inventory, Since: time.Now().Truncate(time.Second), Wait: a.wait, Tell: a.tell}
	leave, err = publish.Enter(ctx, publish.OS, folder, state, holder)
	return leave, machineExit(err, exitIO)
}

// finishStopped puts the files in place that a run that was stopped had begun
// with, before anything else: also when the inventory has faults by now.
func (a *buildArgs) finishStopped(ctx context.Context) error {
	if a.dryRun {
		return nil
	}
	state := a.stateFolder()
	folder := publish.Stopped(publish.OS, state)
	if folder == "" {
		return nil
	}
	leave, err := a.enter(ctx, folder, state)
	if err != nil {
		return err
	}
	return leave()
}

// keepLeaving keeps the rows of domains that leave until sendmail was
// restarted.
func (a *buildArgs) keepLeaving(j *job) (err error) {
	j.source, j.leaving, err = j.source.KeepLeaving(a.out, a.copies, a.restarted(), a.grace, time.Now())
	return machineExit(err, exitIO)
}

// reloadedName is a file of the state folder whose time is that of the last
// restart we know of.
const reloadedName = "reloaded"

// restarted is when sendmail was restarted last, as far as that is known.
func (a *buildArgs) restarted() (last time.Time) {
	if a.reloaded {
		return time.Now()
	}
	paths := []string{filepath.Join(a.state, reloadedName)}
	if c, err := a.configuration(); err == nil {
		paths = append(paths, c.PidFiles(a.state != stateServer)...)
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// choose finds out which domains are served, and compiles anew when some are
// not.
func (a *buildArgs) choose(ctx context.Context, j *job, stdio Stdio) (*serving, error) {
	if a.mx == mxOff {
		return &serving{}, nil
	}
	m := j.source.Model
	choice, err := a.decide(ctx, m, stdio)
	if err != nil {
		return nil, err
	}
	var waits []diag.Fault
	if slices.ContainsFunc(m.Domains, func(d inventory.Domain) bool { return d.Held }) {
		var anew diag.List
		stdio.stages.Enter("compile without what is held back")
		j.source.Compiled = virtuser.Compile(m, &anew)
		waits = virtuser.Waits(&anew)
	}
	if !a.quiet { // what was not printed was not said
		j.dnsFaults.Add(choice.policy.Announce(choice.decision, waits, a.dryRun || isTerminal(stdio.Err))...)
	}
	j.set.Records, err = choice.record()
	return choice, err
}

// outputs gathers what is to be published.
func (a *buildArgs) outputs(source sendmail.Build, set *publish.Set, faults *diag.List) error {
	owner := -1
	if os.Geteuid() == 0 {
		owner = sendmail.TrustedUser(a.out, lookupUser)
	}
	var err error
	if set.Outputs, err = fileset.Outputs(sendmail.Server, source, a.out, owner); err != nil {
		return exit(exitSoftware, err)
	}
	if a.mc == "" {
		return nil
	}
	// A rename would replace a link; what it leads to is the file meant.
	if real, err := filepath.EvalSymlinks(a.mc); err == nil {
		a.mc = real
	}
	block, err := sendmail.MC(source, set.FS, a.mc, source.Model.Sources, faults)
	if err != nil {
		return machineExit(fmt.Errorf("--mc: %w", err), exitNoInput)
	}
	set.Outputs = append(set.Outputs, block)
	return nil
}
