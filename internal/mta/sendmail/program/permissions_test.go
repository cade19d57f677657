package program_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"virtmap/internal/mta/sendmail/safefile"
	"virtmap/internal/workshop/peer"
)

// uidOf returns the ids of an account that every Debian has.
func uidOf(t *testing.T, name string) (uid, gid int) {
	t.Helper()
	account, err := user.Lookup(name)
	if err != nil {
		peer.Skip(t, "this machine has no account %s", name)
	}
	uid, _ = strconv.Atoi(account.Uid)
	gid, _ = strconv.Atoi(account.Gid)
	return uid, gid
}

// TestPermissionsAsSendmailJudgesThem tries every kind of owner and mode of the files of a
// set and of the folders above. sendmail reads the files for which there is no complaint.
func TestPermissionsAsSendmailJudgesThem(t *testing.T) {
	p := installed(t)
	trusted, trustedGroup := uidOf(t, "games")
	other, otherGroup := uidOf(t, "news")
	above := filepath.Join(peer.SafeDir(t), "above")
	dir := filepath.Join(above, "set")
	serveTable(t, p, dir, "fake@d.example\troot\n", "d.example\n")
	cf := serve(t, p, dir, "define(`confTRUSTED_USER', `games')dnl")
	table, names := filepath.Join(dir, "virtusertable.db"), filepath.Join(dir, "local-host-names")
	judge := safefile.Judge{Trusted: trusted}

	tried := 0
	compare := func(it string) {
		t.Helper()
		tried++
		cmd := exec.Command("sendmail", "-bt", "-C", cf)
		cmd.Stdin = strings.NewReader("$=w\n/map virtuser fake@d.example\n")
		out, _ := cmd.CombinedOutput() // sendmail exits with 71 when it cannot read a map
		readsTable, readsNames := strings.Contains(string(out), "returns root (0)"), strings.Contains(string(out), "\nd.example\n")
		for _, c := range []struct {
			what   string
			reads  bool
			faults []safefile.Complaint
		}{{"map", readsTable, judge.Map(table)}, {"names", readsNames, judge.Names(names)}} {
			refused := false
			for _, f := range c.faults {
				refused = refused || !strings.Contains(f.Text, "decide where mail goes") && !strings.Contains(f.Text, "links")
			}
			if refused == c.reads {
				t.Errorf("%s: sendmail reads the %s: %v, and the faults are %v", it, c.what, c.reads, c.faults)
			}
		}
	}
	for _, owner := range [][2]int{{0, 0}, {0, otherGroup}, {trusted, 0}, {trusted, trustedGroup}, {trusted, otherGroup}, {other, 0}, {other, otherGroup}} {
		for _, mode := range []fs.FileMode{0o600, 0o640, 0o604, 0o644, 0o660, 0o664, 0o666, 0o000, 0o400} {
			for _, path := range []string{table, names} {
				if err := os.Chown(path, owner[0], owner[1]); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			compare(fmt.Sprintf("files of %d:%d with mode %04o", owner[0], owner[1], mode))
		}
	}
	for _, path := range []string{table, names} {
		if err := os.Chown(path, 0, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{dir, above} {
		for _, mode := range []fs.FileMode{0o755, 0o750, 0o700, 0o775, 0o757, 0o777, 0o777 | fs.ModeSticky, 0o775 | fs.ModeSticky} {
			if err := os.Chmod(folder, mode); err != nil {
				t.Fatal(err)
			}
			compare(fmt.Sprintf("%s with mode %v", folder, mode))
		}
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(folder, other, otherGroup); err != nil {
			t.Fatal(err)
		}
		compare(folder + " of another user")
	}
	for _, path := range []string{table, names} {
		if err := os.Rename(path, path+".real"); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Base(path)+".real", path); err != nil {
			t.Fatal(err)
		}
	}
	compare("symbolic links")
	t.Logf("%d states", tried)
}
