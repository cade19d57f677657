package exim

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim/program"
	"virtmap/internal/regular"
)

// A site is a copy of the server's own configuration, for an Exim that is asked over the
// files of a folder.
type site struct {
	mta.Asking
	root   program.Root
	own    *program.Configuration // nil: there is none
	set    *Set                   // after prepare: with the server's own aliases
	tables string                 // the folder of the files
	folder string                 // for a file of aliases

	reads   string // the folder that the configuration reads, of installed files
	live    bool   // the files are those that the configuration reads
	aliases aliases
}

// place finds out from where the files are read. Exim runs as a user of its own, so that
// other files than the live ones are copied.
func (s *site) place() error {
	from, err := filepath.Abs(cmp.Or(s.Dir, s.Work))
	if err != nil {
		return err
	}
	if s.own != nil && s.Dir != "" {
		s.reads = folderOf(s.own)
		s.live = s.reads != "" && regular.SamePath(from, s.reads)
	}
	if s.tables = from; s.live {
		return nil
	}
	s.tables = filepath.Join(s.folder, "tables")
	if err := os.Mkdir(s.tables, 0o755); err != nil {
		return err
	}
	for _, file := range Files {
		for _, suffix := range []string{"", ".cdb", ".db"} {
			text, err := regular.ReadIfThere(filepath.Join(from, file.Name+suffix))
			if err == nil && text != nil {
				switch file.Name {
				case fileRouters:
					text = bytes.ReplaceAll(text, []byte(asItself), []byte(asAnybody))
				case fileACL:
					text = sendersPath.ReplaceAll(text, []byte("{"+s.tables+"/"+fileSenders))
				}
				err = os.WriteFile(filepath.Join(s.tables, file.Name+suffix), text, 0o644)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// prepare changes the copy. The installed files of a folder are asked as the configuration
// reads them. For other files, the parts of virtmap in the copy become those of the files.
func (s *site) prepare(ctx context.Context) error {
	if s.reads != "" {
		s.own.Replace(s.reads+"/", s.tables+"/")
	} else if err := s.wire(ctx); err != nil {
		return err
	}
	if !s.live && s.Here != s.Host.Name {
		s.own.Set("primary_hostname", s.Host.Name)
		s.own.Set("qualify_domain", s.Host.Name)
	}
	if !s.live {
		s.own.Replace(asItself, asAnybody)
	}
	if s.set.Authorises() {
		s.own.LetLogIn()
	}
	s.withoutForward()
	return s.ownAliases()
}

// asItself is the line with which a mailbox elsewhere is written as its user. Exim needs an
// account for it, which another machine may have and this one not; asAnybody needs none. An
// Exim that is asked writes nothing.
const (
	asItself  = "user = $local_part"
	asAnybody = "user = " + everyone
)

// sendersPath finds the path of the table of senders in the list of checks.
var sendersPath = regexp.MustCompile(`\{/[^{}]*/` + fileSenders + `\b`)

// tableOf finds the folder of the table in the list of virtmap's domains.
var tableOf = regexp.MustCompile(`;\s*(/.+)/` + fileDomains + `\b`)

// folderOf returns the folder whose files a configuration reads; empty if it reads none.
func folderOf(c *program.Configuration) string {
	list, _ := c.Main("domainlist virtmap_domains")
	if found := tableOf.FindStringSubmatch(list); found != nil {
		return found[1]
	}
	return ""
}

// wire puts the parts of virtmap into the copy, where the server has them or, if it has
// none, where docs/exim.md puts them.
func (s *site) wire(ctx context.Context) error {
	if s.Dir != "" {
		s.Tell(fmt.Sprintf("%s does not read the files: Exim is asked with them", s.own.Path))
	}
	var problem error
	text := func(name string) string {
		content, err := regular.Read(filepath.Join(s.tables, name), regular.MaxBytes)
		problem = cmp.Or(problem, err)
		return string(content)
	}
	whole := reference(text, s.tables)
	if problem != nil {
		return problem
	}
	ours, err := readReference(ctx, s.root, whole)
	if err != nil {
		return err
	}
	s.lists(ours)
	s.checks(ours)
	s.put(ours, "routers")
	s.put(ours, "transports")
	return nil
}

// lists sets the lists of domains. What the server has in them, besides the lists of its
// macros that main replaces, stays.
func (s *site) lists(ours *program.Configuration) {
	for _, l := range [][2]string{{"domainlist relay_to_domains", "MAIN_RELAY_TO_DOMAINS"}, {"domainlist local_domains", "MAIN_LOCAL_DOMAINS"}} {
		all, replaced := ours.List(l[0]), s.own.List(l[1])
		for _, element := range s.own.List(l[0]) {
			if !slices.Contains(replaced, element) && !slices.Contains(all, element) {
				all = append(all, element)
			}
		}
		s.own.Set(l[0], strings.Join(all, " : "))
	}
	list, _ := ours.Main("domainlist virtmap_domains")
	s.own.Set("domainlist virtmap_domains", list)
}

// checks sets the list of checks at RCPT. The list that the server had is acl_check_rcpt.
func (s *site) checks(ours *program.Configuration) {
	had, _ := s.own.Main("acl_smtp_rcpt")
	is, _ := ours.Main("acl_smtp_rcpt")
	s.own.Set("acl_smtp_rcpt", is)
	if s.own.Block("acl", "acl_check_rcpt") == nil {
		lines := []string{"accept"}
		if had != "" && !strings.HasPrefix(had, "/") {
			lines = []string{"require", "acl = " + had, "accept"}
		}
		s.own.Insert(s.own.Begin("acl"), program.Block{Section: "acl", Name: "acl_check_rcpt", Lines: lines})
	}
	if forbidden, ok := s.own.Macro(localPartsMacro); ok {
		allowed, _ := ours.Macro(localPartsMacro)
		for _, name := range s.own.Names("acl") {
			b := s.own.Block("acl", name)
			for i, line := range b.Lines {
				if line == "local_parts = "+forbidden {
					b.Lines[i] = "local_parts = " + allowed
				}
			}
		}
	}
}

// put puts the blocks of a section into the copy. A new last router is behind all others.
func (s *site) put(ours *program.Configuration, section string) {
	at, last := -1, -1
	var front []program.Block
	for i, name := range ours.Names(section) {
		block := *ours.Block(section, name)
		was := s.own.Remove(section, name)
		switch {
		case name == lastRouter:
			if last = was; last < 0 {
				last = s.own.End(section)
			}
			s.own.Insert(last, block)
			continue
		case i == 0:
			at = was
		}
		front = append(front, block)
	}
	if at < 0 {
		at = s.own.Begin(section)
	}
	s.own.Insert(at, front...)
}

// withoutForward removes the routers that read the .forward files of persons, about which
// an inventory says nothing.
func (s *site) withoutForward() {
	for _, name := range s.own.Names("routers") {
		if file, ok := s.own.Block("routers", name).Option("file"); ok && strings.Contains(file, ".forward") {
			s.own.Remove("routers", name)
		}
	}
}

// aliasFile finds the alias file of a router.
var aliasFile = regexp.MustCompile(`lookup\s*\{\$\{?local_part\}?\}\s*lsearch\s*\{(/[^}]*aliases)\}`)

// ownAliases reads the server's own aliases. If the files are not those of this machine, the
// copy reads a copy of them, with the names of the inventory that are no accounts here.
func (s *site) ownAliases() (err error) {
	path := ""
	for _, name := range s.own.Names("routers") {
		data, _ := s.own.Block("routers", name).Option("data")
		if found := aliasFile.FindStringSubmatch(data); found != nil && path == "" {
			path = found[1]
		}
	}
	if path == "" {
		return nil
	}
	text, err := regular.ReadIfThere(path)
	if err != nil {
		return err
	}
	s.aliases = parseAliases(string(text))
	domain, _ := s.own.Main("qualify_domain")
	s.set = s.set.withAliases(s.aliases, strings.ToLower(cmp.Or(domain, s.Host.Name)))
	if s.live {
		return nil
	}
	copied := filepath.Join(s.folder, "aliases")
	s.own.Replace("{"+path+"}", "{"+copied+"}")
	return os.WriteFile(copied, []byte(string(text)+"\n"+s.madeUp()), 0o644)
}

// madeUp returns aliases for the names of the inventory that this machine has not.
func (s *site) madeUp() string {
	var out strings.Builder
	for line := range strings.Lines(aliasesOf(s.Asking)) {
		name, _, _ := strings.Cut(line, ":")
		if _, aliased := s.aliases[name]; !aliased && !s.Accounts[name] {
			out.WriteString(line)
		}
	}
	return out.String()
}

// aliased reports whether the server's own aliases lead on from a local part.
func (s *site) aliased(local string) bool {
	_, _, ok := s.aliases.of(local)
	return ok
}
