package servers_test

import (
	"fmt"
	"testing"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/inventory"
)

// TestTheTableIsThatOfTheInventory holds the names of host.server to the table.
func TestTheTableIsThatOfTheInventory(t *testing.T) {
	if len(servers.All) != len(inventory.ServerKinds) {
		t.Fatalf("there are %d servers, and host.server takes %d", len(servers.All), len(inventory.ServerKinds))
	}
	for i, kind := range inventory.ServerKinds {
		s := servers.All[i]
		if s.Name != string(kind.Name) {
			t.Errorf("server %d is %s in the table, and %s in the inventory", i, s.Name, kind.Name)
		}
		if s.Dir != kind.Dir || fmt.Sprint(s.Maps) != fmt.Sprint(kind.Maps) {
			t.Errorf("%s: %s and %s are in the table, and %s and %s in the inventory", s.Name, s.Dir, s.Maps, kind.Dir, kind.Maps)
		}
	}
	if s, ok := servers.ByName("sendmail"); !ok || s != servers.All[0] {
		t.Error("sendmail is not the default")
	}
}

// TestEveryServerHasWhatEveryServerHas looks for the parts of a server that may not
// be nil, and for one file of addresses.
func TestEveryServerHasWhatEveryServerHas(t *testing.T) {
	for _, s := range servers.All {
		if s.Compile == nil || s.Open == nil || s.Find == nil || s.Dir == "" || len(s.Maps) == 0 {
			t.Errorf("%s lacks a part", s.Name)
		}
		if len(mapfile.Named(s.Maps)) != len(s.Maps) {
			t.Errorf("%s: one of the types of map %q is unknown", s.Name, s.Maps)
		}
		if w := s.Words; w.Config == "" || w.Own == "" || w.Served == "" || w.Changed == "" || w.Reload == "" || w.Restart == "" || w.Rebuild == "" {
			t.Errorf("%s lacks words for messages: %+v", s.Name, w)
		}
		addresses := 0
		for _, f := range s.Files {
			if f.Role == mta.Addresses {
				addresses++
			}
			if (f.Rows == nil) == (f.Lines == nil) || f.Rows != nil && f.Row == nil {
				t.Errorf("%s: %s is neither a table nor a list", s.Name, f.Name)
			}
		}
		if addresses != 1 {
			t.Errorf("%s has %d files of addresses", s.Name, addresses)
		}
	}
}
