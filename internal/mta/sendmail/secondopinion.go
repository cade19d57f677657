package sendmail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/mta/sendmail/program"
)

// A SecondOpinion prepares the installed sendmail to answer for a set of files, in a
// folder of its own.
type SecondOpinion struct {
	Source   Build
	Set      *Installed
	Maps     string // the folder of installed files; empty: the files were built into Work
	Work     string // the folder in which sendmail works
	Program  *program.Program
	Accounts map[string]bool // the accounts of this machine
}

// Open prepares the program. notes are lines that a person should see.
func (s *SecondOpinion) Open() (second *Asker, notes []string, err error) {
	settings := s.Source.Settings()
	site := Site{Dir: s.Work, Host: s.Source.Model.Host.Name.Text, Senders: s.Source.Model.Submission.Authorise, Alias: func(name string) bool { _, ok := s.Set.Router.Aliases.Alias(name); return ok }}
	site.Names = slices.DeleteFunc(s.strangers(), site.Alias)
	if s.Maps != "" {
		if notes, err = s.ownSite(&site); err != nil {
			return nil, nil, err
		}
	}
	if site.CF == "" {
		settings.MailDir = s.Work
		site.Include = string(mcfile.Text(settings, s.Source.Model.Name))
	}
	second, err = NewAsker(s.Program, site)
	return second, notes, err
}

// ownSite makes a site use the server's own sendmail.cf, if there is one beside the
// installed files. Otherwise it copies the files.
func (s *SecondOpinion) ownSite(site *Site) (notes []string, err error) {
	layout, err := ReadLayout(s.Maps)
	if err != nil {
		return nil, err
	}
	own, ok, err := layout.OwnConfiguration(Own(s.Work, !layout.Live()), s.Work)
	if err != nil {
		return nil, err
	}
	if !ok {
		notes = []string{fmt.Sprintf("%s has no sendmail.cf with rulesets: sendmail is asked over one that virtmap makes", s.Maps)}
		return notes, copySet(s.Maps, s.Work)
	}
	if site.CF = own.Of(layout.Configuration().Text); layout.Live() {
		site.Names = nil // the server is this machine, which has its accounts
	}
	return nil, os.Chmod(s.Work, 0o755) // sendmail may read the files as another user
}

// strangers returns the users and local aliases that are no accounts of this machine.
func (s *SecondOpinion) strangers() []string {
	var names []string
	for i := range s.Source.Model.Users {
		names = append(names, s.Source.Model.Users[i].Name.Text)
	}
	for i := range s.Source.Model.LocalAliases {
		names = append(names, s.Source.Model.LocalAliases[i].Text)
	}
	return slices.DeleteFunc(names, func(name string) bool { return s.Accounts[name] })
}

// copySet copies the files of a set. Missing files are no error.
func copySet(from, to string) error {
	for _, file := range Files {
		for _, typ := range readTypes {
			if file.Name == mcfile.Include || file.Rows == nil && typ.Suffix != "" {
				continue
			}
			err := CopyFile(filepath.Join(from, file.Name+typ.Suffix), filepath.Join(to, file.Name+typ.Suffix))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
