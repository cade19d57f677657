package maincf

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A judge compares one configuration with what postconf says.
type judge struct {
	t      *testing.T
	p      postconf
	c      *Config
	failed bool
}

// fail records that the two differ.
func (j *judge) fail(format string, args ...any) {
	j.failed = true
	j.t.Errorf(format, args...)
}

// read returns what postconf prints, by line.
func (j *judge) read(args ...string) []string {
	out, errOut, err := j.p.ask(args...)
	if err != nil {
		j.fail("postconf %s: %v\n%.2000s", args[0], err, errOut)
	}
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
}

// refused reports whether postconf refuses the files, and checks that there is a problem then.
// A value that cannot be worked out is only refused when postconf needs it.
func (j *judge) refused() bool {
	lines, values := false, false
	for _, p := range j.c.Problems {
		ofValue := strings.Contains(p.Text, "cannot be worked out")
		lines, values = lines || p.Fatal && !ofValue, values || ofValue
	}
	for _, s := range j.c.Services() {
		for _, o := range s.Overrides {
			_, fault := scope{config: j.c, service: &s}.expanded(o.Name)
			values = values || fault != ""
		}
	}
	_, errOut, err := j.p.ask("-n")
	// postconf works out myhostname and mydomain before it knows compatibility_level; daemons
	// know it.
	early := strings.Contains(errOut, "mail_dict: macro processing error")
	if lines && err == nil || err != nil && !lines && !values && !early {
		j.fail("problems %v, postconf says %v %s", j.c.Problems, err, errOut)
	}
	return err != nil
}

// params compares all values.
func (j *judge) params() (n int) {
	names := tableNames()
	asked := 0
	names = slices.DeleteFunc(names, func(name string) bool {
		_, fault := scope{config: j.c}.expanded(name)
		if fault != "" && asked < 2 {
			asked++
			if _, _, err := j.p.ask("-hx", name); err == nil {
				j.fail("%s has a fault, and none for postconf: %s", name, fault)
			}
		}
		return fault != ""
	})
	got := j.read(append([]string{"-hx"}, names...)...)
	if len(got) != len(names) {
		j.fail("postconf has %d values, want %d", len(got), len(names))
		return 0
	}
	for i, name := range names {
		if ours := oneBlank(j.c.Param(name)); ours != got[i] {
			j.fail("Param(%q) = %q, postconf says %q", name, ours, got[i])
		}
	}
	return len(names)
}

var overriding = regexp.MustCompile(`main\.cf, line (\d+): overriding earlier entry: ([^=]*)=(.*)`)

// sets compares the values as they are set, and the lines of entries that override others.
func (j *judge) sets() (values, overridden int) {
	out, errOut, err := j.p.ask("-n")
	if err != nil {
		j.fail("%v %s", err, errOut)
	}
	printed := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " =")
		printed[name] = strings.TrimPrefix(value, " ")
	}
	for name, want := range printed {
		if got, _, ok := j.c.Set(name); name != "config_directory" && (!ok || oneBlank(got) != want) {
			j.fail("Set(%q) = %q %v, postconf says %q", name, got, ok, want)
		}
	}
	for _, name := range tableNames() {
		_, _, ok := j.c.Set(name)
		if _, want := printed[name]; ok != want {
			j.fail("%q is set: %v, postconf says %v", name, ok, want)
		}
	}
	told := map[string]bool{}
	for _, m := range overriding.FindAllStringSubmatch(errOut, -1) {
		told[m[1]+" "+m[2]] = true
	}
	ours := map[string]bool{}
	for i, e := range j.c.entries {
		for _, before := range slices.Backward(j.c.entries[:i]) {
			if before.Name == e.Name {
				if before.Value != e.Value {
					ours[fmt.Sprint(e.Line, " ", e.Name)] = true
				}
				break
			}
		}
	}
	if !maps.Equal(told, ours) {
		j.fail("overriding entries %v, postconf says %v", ours, told)
	}
	return len(printed), len(ours)
}

// services compares the services and their parameters.
func (j *judge) services() int {
	var lines, raws, expanded []string
	whole := true
	for _, s := range j.c.Services() {
		lines = append(lines, shown(s))
		seen := map[string]bool{}
		for _, o := range slices.Backward(s.Overrides) {
			if seen[o.Name] {
				continue
			}
			seen[o.Name] = true
			head := s.Name + "/" + s.Type + "/" + o.Name + " = "
			raws = append(raws, oneBlank(head+o.Value))
			if _, fault := (scope{config: j.c, service: &s}).expanded(o.Name); fault != "" {
				whole = false
			}
			expanded = append(expanded, oneBlank(head+j.c.ParamOf(s, o.Name)))
		}
	}
	j.same("-M", lines)
	j.same("-P", raws)
	if whole {
		j.same("-Px", expanded)
	}
	return len(lines)
}

// shown returns a service as postconf -M prints it, with single blanks.
func shown(s Service) string {
	fields := []string{s.Name, s.Type, s.Private, s.Unprivileged, s.Chroot, s.Wakeup, s.MaxProcesses, s.Command}
	for _, arg := range s.Args {
		if strings.ContainsAny(arg, " \t\r\n") {
			arg = "{" + arg + "}"
		}
		fields = append(fields, arg)
	}
	return oneBlank(strings.Join(fields, " "))
}

// same compares lines in any order.
func (j *judge) same(option string, ours []string) {
	var theirs []string
	for _, line := range j.read(option) {
		if line != "" {
			theirs = append(theirs, oneBlank(line))
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		j.fail("the services are\n%s\npostconf %s says\n%s", strings.Join(ours, "\n"), option, strings.Join(theirs, "\n"))
	}
}
