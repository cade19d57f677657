package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/lint"
	"virtmap/internal/mta"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// DefaultInventory is the usual name of an inventory.
const DefaultInventory = "mail.yaml"

// yamlEndings are the usual endings of the names of inventories.
var yamlEndings = []string{".yaml", ".yml"}

// A Reading says how an inventory is read.
type Reading struct {
	Servers  []*mta.Server // the servers that an inventory may name, the default first
	Known    lint.Known    // the checks of the servers
	Load     func(path string) (*inventory.Model, *diag.List, error)
	Accounts []string      // accounts of the server, for the checks about accounts
	Least    diag.Severity // the lowest severity of checks that are run
	Stages   Stages
}

// Read reads and compiles an inventory. The faults of both are in the list. An
// inventory with faults is compiled too, in order to find more faults.
func (r *Reading) Read(path string) (mta.Build, *diag.List, error) {
	m, faults, err := r.load(path)
	if err != nil {
		return nil, nil, err
	}
	server := serverOf(r.Servers, m)
	if m.Part && r.included(path, m, faults) {
		return server.Compile(m, faults.Fork()), faults, nil
	}
	r.Stages.Bytes(int64(m.Sources.Len()))
	r.Stages.Rows(m.CountAddresses())
	r.Stages.Enter("compile")
	Release(m)
	r.Known.Tune(m, faults)
	source := server.Compile(m, faults)
	rows, bytes := source.Size()
	r.Stages.Rows(rows)
	r.Stages.Bytes(bytes)
	skipped := r.Known.All() // if there are errors, no other check is run
	if lint.Sound(faults) {
		lint.Tests(m, faults)
		senders.Check(m, faults)
	}
	if lint.Sound(faults) {
		r.Stages.Enter("advise")
		skipped = lint.Advise(m, r.Accounts, r.Least, faults)
	}
	r.Known.Ignored(m, skipped, faults)
	return source, faults, nil
}

// Domains reads an inventory without compiling it, for questions about its domains
// alone. The faults of rows are not in the list.
func (r *Reading) Domains(path string) (*inventory.Model, *diag.List, error) {
	m, faults, err := r.load(path)
	if err != nil || m.Part && r.included(path, m, faults) {
		return m, faults, err
	}
	r.Known.Tune(m, faults)
	if server := serverOf(r.Servers, m); server.Check != nil {
		server.Check(m, faults)
	}
	r.Known.Ignored(m, r.Known.All(), faults)
	return m, faults, nil
}

func (r *Reading) load(path string) (*inventory.Model, *diag.List, error) {
	r.Stages.Enter("read the inventory")
	m, faults, err := r.Load(path)
	switch {
	case errors.Is(err, context.Canceled):
		return nil, nil, as(NoInput, err)
	case err != nil:
		return nil, nil, as(NoInput, nearInventory(path, err))
	}
	return m, faults, nil
}

// included reports whether a part of an inventory is included by another file, and
// adds that as a fault: the part is nothing by itself.
func (r *Reading) included(path string, m *inventory.Model, faults *diag.List) bool {
	top, ok := includedBy(path)
	if !ok {
		return false
	}
	notByItself(faults, top)
	if server := serverOf(r.Servers, m); server.Check != nil {
		server.Check(m, faults)
	}
	return true
}

// serverOf returns the server that an inventory names. If there is no such server, it
// returns the default.
func serverOf(all []*mta.Server, m *inventory.Model) *mta.Server {
	for _, s := range all {
		if s.Name == string(m.Host.Server) {
			return s
		}
	}
	return all[0]
}

// nearInventory adds the name of an existing inventory to the error that one is
// missing, such as mail.yml for mail.yaml.
func nearInventory(path string, err error) error {
	if _, missing := os.Stat(path); !errors.Is(missing, fs.ErrNotExist) {
		return err
	}
	ending := filepath.Ext(path)
	for _, other := range yamlEndings {
		near := strings.TrimSuffix(path, ending) + other
		if _, missing := os.Stat(near); missing == nil && slices.Contains(yamlEndings, ending) {
			return fmt.Errorf("%w; there is %q: write -i %s", err, near, near)
		}
	}
	return err
}

// Release frees the memory that reading a large inventory has used. The runtime would
// otherwise keep it until the heap has doubled.
func Release(m *inventory.Model) {
	if m.Sources.Len() > 8<<20 {
		debug.FreeOSMemory()
	}
}
