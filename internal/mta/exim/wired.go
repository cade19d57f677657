package exim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim/program"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/regular"
)

// patience is how long Exim may take to read a configuration.
const patience = 20 * time.Second

// readByExim lets the installed Exim read its configuration. ok is false without an Exim,
// without a configuration, and if this user may not ask.
func readByExim(ctx context.Context) (c *configuration, ok bool) {
	root, err := program.Installed()
	if err != nil {
		return nil, false
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	read, err := root.Read(ctx, "")
	var refused *program.RefusedError
	switch {
	case errors.As(err, &refused):
		return refusedByExim(root, refused)
	case err != nil:
		return nil, false
	}
	c = &configuration{path: read.Path, changed: regular.LastChange(read.Files...), exim: root, read: read}
	text, err := regular.ReadIfThere(read.Path)
	c.lines = rowtext.PlainLines(text)
	return c, err == nil
}

// refusedByExim returns a configuration that Exim refuses to read.
func refusedByExim(root program.Root, refused error) (*configuration, bool) {
	for _, path := range usual {
		if text, err := regular.ReadIfThere(path); err == nil && text != nil {
			return &configuration{path: path, lines: rowtext.PlainLines(text), changed: regular.LastChange(path), exim: root, refused: refused}, true
		}
	}
	return nil, false
}

// reference returns the text of a small configuration that reads everything. text returns
// the content of a file; dir is the folder that the lists name.
func reference(text func(name string) string, dir string) []byte {
	return []byte("VIRTMAP_DIR = " + dir + "\n" + text(fileMain) + `
domainlist local_domains = MAIN_LOCAL_DOMAINS
domainlist relay_to_domains = MAIN_RELAY_TO_DOMAINS
acl_smtp_rcpt = MAIN_ACL_CHECK_RCPT
begin acl
acl_check_rcpt:
  accept
begin routers
` + text(fileRouters) + "\n" + text(fileRoutersLast) + "\nbegin transports\n" + text(fileTransports))
}

// text returns the text of a file of a build that has Exim's own syntax.
func (b Build) text(name string) string {
	if name == fileMain {
		return string(b.main())
	}
	return string(snippet(name))
}

// readReference lets Exim read a reference.
func readReference(ctx context.Context, root program.Root, text []byte) (_ *program.Configuration, err error) {
	file, err := os.CreateTemp("", "virtmap-exim-*.conf")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.Write(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	return root.Read(ctx, file.Name())
}

// gapsOfExim returns what Exim does not read of a build, by its own reading. Exim also
// reads a configuration that has everything, and both are compared.
func (c *configuration) gapsOfExim(ctx context.Context, b Build) (all []mta.Gap, err error) {
	if c.refused != nil {
		return []mta.Gap{{Path: c.path, What: c.refused.Error(), Write: "exim -bV says where"}}, nil
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	whole, err := readReference(ctx, c.exim, reference(b.text, b.Model.Host.MailDir.Text))
	if err != nil {
		return nil, err
	}
	w := wired{configuration: c, whole: whole, build: b}
	w.mains()
	w.blocks("routers", fileRouters)
	w.blocks("transports", fileTransports)
	w.order()
	return w.gaps, nil
}

// A wired compares what Exim reads with a configuration that has everything.
type wired struct {
	*configuration
	whole *program.Configuration
	build Build
	gaps  []mta.Gap
}

// lacks adds a gap.
func (w *wired) lacks(write, what string, args ...any) {
	w.gaps = append(w.gaps, mta.Gap{Path: w.path, What: fmt.Sprintf(what, args...), Write: write})
}

// includes returns the line that includes a file.
func (w *wired) includes(name string) string {
	return ".include " + filepath.Join(w.build.Model.Host.MailDir.Text, name)
}

// mains compares main options, and looks for the list of checks that the file acl ends in.
func (w *wired) mains() {
	list, wantList := first(w.read.Main("domainlist virtmap_domains")), first(w.whole.Main("domainlist virtmap_domains"))
	parts, wantParts := first(w.read.Macro(localPartsMacro)), first(w.whole.Macro(localPartsMacro))
	switch {
	case list != wantList:
		w.lacks(w.includes(fileMain), "main is not read, or not as it is now: %s", difference("virtmap_domains", list, wantList))
	case parts != wantParts:
		w.lacks(w.includes(fileMain), "main is not read, or not as it is now: %s", difference(localPartsMacro, parts, wantParts))
	}
	for _, l := range [][2]string{{"local_domains", "MAIN_LOCAL_DOMAINS"}, {"relay_to_domains", "MAIN_RELAY_TO_DOMAINS"}} {
		name := "domainlist " + l[0]
		have := w.read.List(name)
		missing := slices.DeleteFunc(w.whole.List(name), func(element string) bool { return slices.Contains(have, element) })
		if len(missing) > 0 {
			w.lacks(name+" = "+l[1], "the list %s lacks %s", l[0], strings.Join(missing, " : "))
		}
	}
	want, _ := w.whole.Main("acl_smtp_rcpt")
	if is, _ := w.read.Main("acl_smtp_rcpt"); is != want {
		w.lacks("acl_smtp_rcpt = MAIN_ACL_CHECK_RCPT", "%s", difference("acl_smtp_rcpt", is, want))
	}
	if w.read.Block("acl", "acl_check_rcpt") == nil {
		w.lacks("acl_check_rcpt:", "no list of checks has the name acl_check_rcpt")
	}
}

// localPartsMacro names the macro of the local parts that Debian refuses.
const localPartsMacro = "CHECK_RCPT_LOCAL_LOCALPARTS"

func first(value string, _ bool) string { return value }

// difference says what an option is.
func difference(name, is, want string) string {
	if is == "" {
		return fmt.Sprintf("%s is not set to %q", name, want)
	}
	return fmt.Sprintf("%s is %q, not %q", name, is, want)
}

// blocks compares the routers or the transports, with one gap for each file.
func (w *wired) blocks(section, file string) {
	said := map[string]bool{}
	for _, name := range w.whole.Names(section) {
		from := file
		if name == lastRouter {
			from = fileRoutersLast
		}
		what := "is not as it is now in " + from
		switch is := w.read.Block(section, name); {
		case is == nil:
			what = "is missing, from " + from
		case slices.Equal(is.Lines, w.whole.Block(section, name).Lines):
			continue
		}
		if !said[from] {
			w.lacks(w.includes(from), "the %s %s %s", strings.TrimSuffix(section, "s"), name, what)
		}
		said[from] = true
	}
}

// lastRouter is the router of routers-last.
const lastRouter = "virtmap_detail"

// order looks for routers that an address of our domains meets before virtmap's, and for
// a router of the accounts behind virtmap's last one.
func (w *wired) order() {
	names := w.read.Names("routers")
	for _, name := range names[:max(0, slices.Index(names, w.whole.Names("routers")[0]))] {
		if !leavesOurs(w.read.Block("routers", name)) {
			w.lacks(w.includes(fileRouters), "the router %s is before virtmap's, and takes mail of its domains first", name)
		}
	}
	last := slices.Index(names, lastRouter)
	for i, name := range names {
		if _, accounts := w.read.Block("routers", name).Option("check_local_user"); accounts && last >= 0 && i > last {
			w.lacks(w.includes(fileRoutersLast), "the router %s of the accounts is behind %s", name, lastRouter)
		}
	}
}

// leavesOurs reports whether a router is for other domains than those of the server.
func leavesOurs(b *program.Block) bool {
	domains, _ := b.Option("domains")
	domains = strings.ReplaceAll(domains, " ", "")
	return strings.HasPrefix(domains, "!+local_domains") || strings.HasPrefix(domains, "!+virtmap_domains")
}
