package cli

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/build"
	"virtmap/internal/importer"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/outcome"
	"virtmap/virtuser"
)

// askedBeside has the installed sendmail answer over the old files, and over
// those that the inventory built, side by side in a folder of its own.
type askedBeside struct {
	program  *program.Program
	server   *importer.Server
	files    *sendmail.Imported // of the server
	accounts map[string]bool    // of the server

	work  string // the folder; what was built is new in it
	built sendmail.Build
}

// askedBeside finds the installed sendmail, which needs the maps of the server.
func (a *importArgs) askedBeside(server *importer.Server, stdio Stdio) (*askedBeside, error) {
	files, ok := server.Imported.(*sendmail.Imported)
	if !ok {
		return nil, usage(errors.New("import --server asks sendmail; a Postfix is asked about the inventory by virtmap test --server"))
	}
	here, _ := build.ThisHost() // without a name nothing is said about it
	program, err := sendmail.Program(files.MapType(), here, func(line string) { warn(stdio, []string{line}) })
	if err != nil {
		return nil, askExit(err)
	}
	return &askedBeside{program: program, server: server, files: files, accounts: a.accounts}, nil
}

// run asks about every address, and gives what differs. built is in work.
func (r *askedBeside) run(ctx context.Context, inv *importer.Inventory, built mta.Set, work string) (proof importer.Proof, err error) {
	r.work, r.built = work, inv.Source.(sendmail.Build)
	if err := os.Chmod(r.work, 0o755); err != nil { // sendmail reads as its own user
		return proof, err
	}
	old, next, err := r.sides()
	if err != nil {
		return proof, err
	}
	addresses, err := r.server.Addresses(built)
	if err != nil {
		return proof, err
	}
	was, err := old.Ask(ctx, addresses)
	if err != nil {
		return proof, err
	}
	is, err := next.Ask(ctx, addresses)
	if err != nil {
		return proof, err
	}
	return r.server.Compare(inv, addresses, withoutStays(was), withoutStays(is)), nil
}

// sides copies the old set, and writes a configuration for each.
func (r *askedBeside) sides() (old, next *sendmail.Asker, err error) {
	before, after := filepath.Join(r.work, "old"), filepath.Join(r.work, "new")
	if err := os.Mkdir(before, 0o755); err != nil {
		return nil, nil, err
	}
	copied, err := r.files.CopyTo(before)
	if err != nil {
		return nil, nil, err
	}
	names, err := r.standIns()
	if err != nil {
		return nil, nil, err
	}
	if old, next, err := r.ownSides(before, after, names); old != nil || err != nil {
		return old, next, err
	}
	host := r.built.Model.Host.Name.Text
	_, domain, _ := strings.Cut(host, ".")
	site := func(settings mcfile.Settings, aliases virtuser.Lookup) sendmail.Site {
		include := string(mcfile.Text(settings, r.built.Model.Name))
		include += "LOCAL_CONFIG\nDm" + domain + "\nCw[127.0.0.1]\ndivert(0)dnl\n" // what the server's sendmail knows by itself
		for _, path := range copied.Site {
			include += "LOCAL_CONFIG\nO AliasFile=" + path + "\ndivert(0)dnl\n"
		}
		return sendmail.Site{Dir: settings.MailDir, Host: host, Include: include, Names: names,
			Alias: func(name string) bool { _, ok := aliases.Alias(name); return ok }}
	}
	if old, err = sendmail.NewAsker(r.program, site(copied.Settings, r.files.Aliases())); err != nil {
		return nil, nil, err
	}
	settings := r.built.Settings()
	settings.MailDir = after
	next, err = sendmail.NewAsker(r.program, site(settings, r.built.Router().Aliases.Before(r.files.SiteAliases())))
	return old, next, err
}

// ownSides has both sides asked over the server's own sendmail.cf: as it is, and
// as it will be when it names what was built. They are nil where there is none
// with which the program could be run, or none that asks a virtusertable.
func (r *askedBeside) ownSides(before, after string, names []string) (old, next *sendmail.Asker, err error) {
	config := r.files.Layout().Configuration()
	if _, asked := config.Map(conf.VirtuserMap); !asked {
		return nil, nil, nil
	}
	was, ok, err := r.files.Layout().OwnConfiguration(sendmail.Own(before, true), before)
	if err != nil || !ok {
		return nil, nil, err
	}
	will := sendmail.Own(after, true)
	will.Move, will.There = was.Move, was.There
	will = r.built.WithBuilt(will, after)
	site := func(dir string, c conf.Copy, aliases virtuser.Lookup) sendmail.Site {
		return sendmail.Site{Dir: dir, CF: c.Of(config.Text), Names: names, Alias: func(name string) bool { _, ok := aliases.Alias(name); return ok }}
	}
	if old, err = sendmail.NewAsker(r.program, site(before, was, r.files.Aliases())); err != nil {
		return nil, nil, err
	}
	next, err = sendmail.NewAsker(r.program, site(after, will, r.built.Router().Aliases.Before(r.files.SiteAliases())))
	return old, next, err
}

// standIns are the accounts that this machine does not have.
func (r *askedBeside) standIns() ([]string, error) {
	here, err := readAccounts(passwd)
	if err != nil {
		return nil, err
	}
	site := r.files.SiteAliases()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r.accounts)), func(name string) bool {
		_, aliased := site.Alias(name)
		return here[name] || aliased || strings.ContainsAny(name, ":\"\\ ")
	}), nil
}

// withoutStays takes the \ away that sendmail prints before an account that is
// meant without its aliases.
func withoutStays(all []outcome.Outcome) []outcome.Outcome {
	for _, o := range all {
		for n, recipient := range o.Recipients {
			o.Recipients[n] = strings.TrimPrefix(recipient, `\`)
		}
	}
	return all
}
