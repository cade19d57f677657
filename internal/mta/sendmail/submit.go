package sendmail

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
)

// submitGap returns what the configuration of the sendmail command does not read of a
// build. ok is false if it reads everything, or if there is no submit.cf.
func (b Build) submitGap(c *conf.Config) (gap mta.Gap, ok bool, err error) {
	if !b.Model.Submission.Rewrite {
		return gap, false, nil
	}
	submit, err := c.Submit()
	if err != nil || submit.Path == "" {
		return gap, false, err
	}
	what, line := submit.LacksGenerics(b.Settings(), b.Model.Host.Name.Text)
	return mta.Gap{Path: submit.Path, Line: line, What: what, Write: b.Settings().SubmitLines(b.Model.Host.Name.Text)}, what != "", nil
}

// submitSteps returns what a person must do so that the sendmail command reads
// virtmap-generics. It reads its configuration each time, and needs no restart.
func (b Build) submitSteps(gap mta.Gap) []string {
	dir := filepath.Dir(gap.Path)
	mc := filepath.Join(dir, "submit.mc")
	remake := "m4 " + mc + " > " + gap.Path + ".new && mv " + gap.Path + ".new " + gap.Path
	if exists(filepath.Join(dir, "Makefile")) {
		remake = "make -C " + dir
	}
	return []string{"in " + mc + ", on a line before FEATURE(`msp'):\n  " + b.Settings().SubmitInclude(), remake}
}

// auditSending returns the faults of the installed files for mail that is sent.
func (b Build) auditSending(a mta.Audited, c *conf.Config) (all []mta.Complaint, err error) {
	m := b.Model
	gap, lacks, err := b.submitGap(c)
	if lacks {
		all = append(all, mta.Complaint{Place: placeOf(gap), Text: gap.What, Mend: "write " + b.Settings().SubmitInclude() + " before FEATURE(`msp') of submit.mc, and make submit.cf of it"})
	}
	if m.Submission.Rewrite {
		typ, _ := mapfile.ByName(string(m.Host.Map))
		all = append(all, unreadable(filepath.Join(a.Dir, mcfile.Generics+typ.Suffix))...)
	}
	submit, problem := c.Submit()
	if err = cmp.Or(err, problem); err != nil {
		return all, err
	}
	var domains []string
	for i := range m.Domains {
		if name := m.Domains[i].Name; !m.IsHostName(name) {
			domains = append(domains, name)
		}
	}
	for _, config := range []*conf.Config{c, submit} {
		if word, ok := config.Generic(domains); ok {
			all = append(all, mta.Complaint{Place: config.At(word.Line), Text: word.Name + " is in class G: an address there that a program wrote itself may become another person's", Mend: "take GENERICS_DOMAIN(`" + word.Word + "') out"})
		}
	}
	if _, generics := c.Map(conf.GenericsMap); generics {
		if milter, signs := c.Signs(); signs {
			all = append(all, mta.Complaint{Place: c.Path, Text: "mail is signed by " + milter + " before the genericstable rewrites it, so that its signature is broken", Mend: "rewrite in submit.mc, with submission: {rewrite: msp}"})
		}
	}
	return all, nil
}

func placeOf(g mta.Gap) string {
	if g.Line == 0 {
		return g.Path
	}
	return fmt.Sprintf("%s:%d", g.Path, g.Line)
}

// submitGroup is the group as which the sendmail command runs.
const submitGroup = "smmsp"

// unreadable returns a complaint if the sendmail command cannot read a map: mail would stay
// in its queue, and the command would end without a text.
func unreadable(path string) []mta.Complaint {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o004 != 0 {
		return nil // a missing file is another complaint
	}
	group, err := user.LookupGroup(submitGroup)
	stat, ok := info.Sys().(*syscall.Stat_t)
	if err == nil && ok && group.Gid == strconv.Itoa(int(stat.Gid)) && info.Mode()&fs.FileMode(0o040) != 0 {
		return nil
	}
	return []mta.Complaint{{Place: path, Text: "the sendmail command (group " + submitGroup + ") cannot read it, and its mail waits", Mend: "chmod 644 " + path}}
}

// submitPaths returns the files that the configuration of the sendmail command names.
func submitPaths(c *conf.Config) (paths []string, by string) {
	submit, err := c.Submit()
	if err != nil {
		return nil, ""
	}
	return slices.DeleteFunc(submit.Paths(), func(path string) bool { return filepath.Base(mapfile.WithoutSuffix(path)) != mcfile.Generics }), submit.Path
}
