package cli

import (
	"cmp"
	"errors"
	"slices"

	"virtmap/internal/build"
	"virtmap/internal/change"
	"virtmap/internal/diag"
)

// A buildRecord stores what a build said, for the document of --format json and for the
// file of --metrics. A nil record stores nothing.
type buildRecord struct {
	result  *build.Result // nil: the build failed before it published
	files   []build.File
	kinds   build.Kinds
	ran     bool     // the command of --on-change was due
	earlier []string // kinds of the changes of earlier builds
	faults  []diag.Located
	zones   []string // faults of zone files that cannot be used
	failure error    // of the build
}

// zoneFault stores a fault of a zone file.
func (b *buildRecord) zoneFault(line string) {
	if b != nil {
		b.zones = append(b.zones, line)
	}
}

// published stores a result. A build may publish twice: when the server reads what some
// files waited for, the second time puts these in place.
func (b *buildRecord) published(r *build.Result) {
	if b == nil {
		return
	}
	files := r.Files()
	for i := range files {
		before := slices.IndexFunc(b.files, func(f build.File) bool { return f.Path == files[i].Path })
		if before >= 0 && files[i].State == build.FileUnchanged && b.files[before].State != build.FileWaiting {
			files[i] = b.files[before]
		}
	}
	b.result, b.files, b.kinds = r, files, b.kinds.With(r.Kinds)
	b.ran = b.ran || r.Runs
}

// found stores the faults from a severity on, each once.
func (b *buildRecord) found(sources *diag.Sources, faults *diag.List, least diag.Severity) {
	b.faults = append(b.faults, diag.Printer{Sources: sources, Least: least}.Located(faults)...)
	slices.SortStableFunc(b.faults, compareLocated)
	b.faults = slices.CompactFunc(b.faults, func(f, g diag.Located) bool { return compareLocated(f, g) == 0 })
}

// compareLocated orders faults by file, place, check and text.
func compareLocated(f, g diag.Located) int {
	return cmp.Or(cmp.Compare(f.At.File, g.At.File), cmp.Compare(f.At.Line, g.At.Line), cmp.Compare(f.At.Col, g.At.Col),
		cmp.Compare(f.Check.ID, g.Check.ID), cmp.Compare(f.Text, g.Text))
}

// guards returns the guards that refused the build.
func (b *buildRecord) guards() []change.Alarm {
	var accident *build.Accident
	var foreign *build.Foreign
	alarms := []change.Alarm{}
	if errors.As(b.failure, &accident) {
		alarms = append(alarms, accident.Alarms...)
	}
	if errors.As(b.failure, &foreign) {
		for _, file := range foreign.Files {
			alarms = append(alarms, byHandAlarm(file.Path))
		}
	}
	return alarms
}

// command says what became of the command of --on-change.
func (b *buildRecord) command() string {
	var failed *build.CommandFailed
	switch {
	case errors.As(b.failure, &failed) && failed.Undone && failed.Undoing == nil:
		return "undone"
	case errors.As(b.failure, &failed):
		return "failed"
	case b.ran && b.failure == nil:
		return "done"
	}
	return "none"
}

// byHandAlarm returns the alarm about a file that a person made.
func byHandAlarm(path string) change.Alarm {
	return change.Alarm{Guard: byHand, Text: path + " was not written by virtmap, or changed since"}
}
