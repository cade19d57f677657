package maincf

import (
	"slices"
	"strings"
)

// A Service is a line of master.cf. The columns are as written; - stands for what is built in.
type Service struct {
	Line         int
	Name         string // smtp, submission, 10025, 127.0.0.1:smtp, …
	Type         string // inet, unix, fifo, pass or unix-dgram
	Private      string // y, n or -
	Unprivileged string // y, n or -
	Chroot       string // y, n or -
	Wakeup       string // seconds, perhaps with ? behind
	MaxProcesses string // a number
	Command      string // smtpd, pipe, …
	Args         []string
	Overrides    []Override // of the -o options in Args, in order; the last of a name wins
}

// An Override is a parameter that -o sets for the processes of a service.
type Override struct{ Name, Value string }

// Columns of master.cf up to the command.
const (
	columnType = iota + 1
	columnPrivate
	columnUnprivileged
	columnChroot
	columnWakeup
	columnMaxProcesses
	columnCommand
	columns
)

// Services returns the services of master.cf, in the order of lines. A line that is no
// service is in Problems.
func (c *Config) Services() []Service { return c.services }

// ParamOf returns the value that a parameter has for a process of a service: that of its -o
// option, or else that of main.cf, or else the built-in value. In a value, references too are
// to the service first.
func (c *Config) ParamOf(s Service, name string) string {
	return scope{config: c, service: &s}.param(name)
}

// Chrooted reports whether a process of a service runs in the queue folder and sees no other
// files. Below level 1 of compatibility_level that is built in.
func (c *Config) Chrooted(s Service) bool {
	l, ok := parseLevel(c.Param("compatibility_level"))
	return s.Chroot == "y" || s.Chroot == "-" && ok && l < levelOne
}

// parseServices reads the text of a master.cf.
func (c *Config) parseServices(path, text string) {
	lines, _ := scan(text)
	for _, l := range lines {
		problem := func(fatal bool, text string) {
			c.Problems = append(c.Problems, Problem{Path: path, Line: l.line, Text: text, Fatal: fatal})
		}
		if l.fault != "" {
			problem(false, l.fault)
		}
		if l.orphan {
			continue
		}
		fields := splitOutsideBraces(l.text, " \t\r\n")
		if fault := badColumns(fields); fault != "" {
			problem(true, fault)
			continue
		}
		s := Service{Line: l.line, Name: fields[0], Type: fields[columnType], Private: fields[columnPrivate],
			Unprivileged: fields[columnUnprivileged], Chroot: fields[columnChroot], Wakeup: fields[columnWakeup],
			MaxProcesses: fields[columnMaxProcesses], Command: fields[columnCommand]}
		for _, fault := range s.arguments(fields[columns:]) {
			problem(true, fault)
		}
		c.services = append(c.services, s)
	}
}

// badColumns says what is wrong with the columns of a service. It returns nothing when they
// are right.
func badColumns(fields []string) string {
	if len(fields) < columns {
		return "a service has eight columns: service, type, private, unpriv, chroot, wakeup, maxproc, command"
	}
	if !slices.Contains([]string{"inet", "unix", "fifo", "pass", "unix-dgram"}, fields[columnType]) {
		return "the type of a service is inet, unix, fifo, pass or unix-dgram, and not " + fields[columnType]
	}
	for _, column := range []int{columnPrivate, columnUnprivileged, columnChroot} {
		if !slices.Contains([]string{"y", "n", "-"}, fields[column]) {
			return "the columns private, unpriv and chroot are y, n or -, and not " + fields[column]
		}
	}
	wakeup := strings.TrimSuffix(fields[columnWakeup], "?")
	if wakeup != "-" && wakeup != "" && !allDigits(wakeup) {
		return "the column wakeup is a number or -, and not " + fields[columnWakeup]
	}
	if most := fields[columnMaxProcesses]; most != "-" && !allDigits(most) {
		return "the column maxproc is a number or -, and not " + most
	}
	return ""
}

// arguments reads the arguments of the command into Args and Overrides. It writes them in one
// form: each option by itself, -o and name=value as two arguments, and without braces.
func (s *Service) arguments(args []string) (faults []string) {
	queue := slices.Clone(args)
	for len(queue) > 0 && strings.HasPrefix(queue[0], "-") && queue[0] != "--" {
		option := queue[0]
		queue = queue[1:]
		if joined := strings.IndexByte(option[min(2, len(option)):], 'o'); joined >= 0 && option[1] != 'o' {
			queue = slices.Insert(queue, 0, "-"+option[2+joined:]) // -vo is -v -o
			option = option[:2+joined]
		}
		if !strings.HasPrefix(option, "-o") {
			s.Args = append(s.Args, option)
			continue
		}
		if len(option) > 2 {
			queue = slices.Insert(queue, 0, option[2:]) // -oname=value
		}
		s.Args = append(s.Args, "-o")
		if len(queue) > 0 {
			faults = append(faults, s.override(queue[0])...)
			queue = queue[1:]
		}
	}
	for _, arg := range queue {
		text, fault := unbraced(arg)
		if fault != "" {
			faults = append(faults, fault)
		}
		s.Args = append(s.Args, text)
	}
	return faults
}

// override reads the argument of -o: name=value or { name = value }.
func (s *Service) override(arg string) (faults []string) {
	text, fault := unbraced(arg)
	if fault != "" {
		faults = append(faults, fault)
	}
	name, value, fault := splitNameValue(text)
	if fault != "" {
		s.Args = append(s.Args, text)
		return append(faults, "-o "+text+": "+fault)
	}
	if strings.HasPrefix(arg, "{") {
		text = name + "=" + value
	}
	s.Args = append(s.Args, text)
	s.Overrides = append(s.Overrides, Override{name, value})
	return faults
}

// unbraced returns the text within the braces of an argument, without blanks at the ends. An
// argument without braces stays as it is.
func unbraced(arg string) (text, fault string) {
	if !strings.HasPrefix(arg, "{") {
		return arg, ""
	}
	end := closing(arg, '{')
	switch {
	case end < 0:
		end, fault = len(arg), "a { has no }: "+arg
	case end+1 < len(arg):
		fault = "nothing may follow a }: " + arg
	}
	return trimRight(trimLeft(arg[1:end])), fault
}
