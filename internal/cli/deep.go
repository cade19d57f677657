package cli

import (
	"cmp"
	"fmt"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mta"
)

// deep checks the installed files: what the server would not read, where files
// contradict each other, and whether the users are accounts of this machine.
func (a *checkArgs) deep(source mta.Build, stdio Stdio) error {
	server, host := serverOf(source), source.Inventory().Host
	dir := cmp.Or(a.out, host.MailDir.Text)
	accounts, err := readAccounts(passwd)
	if err != nil {
		return machineExit(err, exitIO)
	}
	audited := mta.Audited{
		Dir: dir, Build: source, Here: dir == host.MailDir.Text, Live: build.IsLive(dir, &host),
		Owner: build.Owner(server, dir), Account: func(name string) bool { return accounts[name] },
	}
	if !build.IsFor(server, &host) {
		audited.Other = host.Name.Text
	}
	var all []mta.Complaint
	for _, look := range []func(mta.Audited) ([]mta.Complaint, error){server.Audit, drift(server), server.AuditUsers} {
		if look == nil {
			continue
		}
		found, err := look(audited)
		all = append(all, found...)
		printComplaints(found, stdio)
		if err != nil {
			return machineExit(err, exitIO)
		}
	}
	if len(all) > 0 {
		fmt.Fprintln(stdio.Err, diag.Count(len(all), "error"))
		return exit(exitProblems, nil)
	}
	return nil
}

// drift returns a function for the contradictions between installed files.
func drift(server *mta.Server) func(mta.Audited) ([]mta.Complaint, error) {
	return func(a mta.Audited) (all []mta.Complaint, err error) {
		lines, err := fileset.Drift(server, a.Dir)
		for _, line := range lines {
			all = append(all, mta.Complaint{Place: a.Dir, Text: line, Mend: "virtmap diff says what a build makes of it"})
		}
		return all, err
	}
}

func printComplaints(all []mta.Complaint, stdio Stdio) {
	for _, c := range all {
		fmt.Fprintf(stdio.Err, "%s: error: %s\n", diag.Printable(c.Place), diag.Printable(c.Text))
		if c.Mend != "" {
			fmt.Fprintf(stdio.Err, "%s: help: %s\n", diag.Printable(c.Place), diag.Printable(c.Mend))
		}
	}
}
