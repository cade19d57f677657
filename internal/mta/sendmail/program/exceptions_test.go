package program_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// TestExceptions tries the known differences between sendmail and the Router, which are in
// the package comment of virtuser.
func TestExceptions(t *testing.T) {
	p := installed(t)
	dir := filepath.Join(peer.SafeDir(t), "set")
	cf := serveTable(t, p, dir, "percent@d.example\t%\ntail@d.example\troot%\n", "d.example\n")
	router := routerOver(t, dir, map[string]bool{"d.example": true})

	// The reply of sendmail depends on the bytes behind the value in its memory.
	// So only the outcome of the Router is checked.
	for addr, want := range map[string]string{"percent@d.example": "550 5.1.1 User unknown", "tail@d.example": "553 5.1.3 Hostname required"} {
		if o := router.Route(addr); fmt.Sprint(o.Code, " ", o.Status, " ", o.Text) != want {
			t.Errorf("%s is %+v, want %s", addr, o, want)
		}
	}
	if o := router.Route("x@Undotted.d.example"); o.Code != 550 || o.Status != "5.7.1" {
		t.Errorf("a host that only the DNS could make ours is %+v", o)
	}
	router.Rows = func([]byte) ([]byte, bool, error) { return nil, false, errors.New("it is cut short") }
	if o := router.Route("any@d.example"); o.Code != 451 || o.Status != "4.3.0" {
		t.Errorf("a damaged map: the Router says %d %s", o.Code, o.Status)
	}
	if err := os.Remove(filepath.Join(dir, "virtusertable.db")); err != nil {
		t.Fatal(err)
	}
	replies, err := p.Rcpt(t.Context(), cf, []string{"any@d.example"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(replies[0].Text, "will queue") {
		t.Errorf("a missing map: sendmail says %+v", replies[0])
	}
}

// TestDepths asks about addresses at the limits of sendmail: fifty nested rulesets, and a
// hundred applications of one rule.
func TestDepths(t *testing.T) {
	t.Parallel()
	p := installed(t)
	dir := filepath.Join(peer.SafeDir(t), "set")
	cf := serveTable(t, p, dir, "x@d\troot\n", "d\n")
	router := routerOver(t, dir, map[string]bool{"d": true})
	var addresses []string
	for n := 1; n < 112; n++ {
		percents, bangs := strings.Repeat("%d", n), strings.Repeat("d!", n)
		addresses = append(addresses, "r"+percents+"@d", "root"+percents, bangs+"r@d", bangs+"root", "r"+strings.Repeat("%e", n)+"@d", strings.Repeat("e!", n)+"r@d")
	}
	replies, err := p.Rcpt(t.Context(), cf, addresses)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range replies {
		if o := router.Route(addresses[i]); o.Code != r.Code || o.Status != r.Status {
			t.Errorf("%s: sendmail says %d %s %s, the Router %d %s %s", addresses[i], r.Code, r.Status, r.Text, o.Code, o.Status, o.Text)
		}
	}
}
