package peer

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// Postmap returns a function that runs postmap.
func Postmap(t testing.TB) func(stdin string, args ...string) string {
	t.Helper()
	command := Postfix(t, "postmap")
	return func(stdin string, args ...string) string {
		t.Helper()
		out, errOut, err := Try(stdin, command[0], append(command[1:], args...)...)
		if err != nil && errOut != "" {
			t.Fatalf("postmap %s: %v\n%s", strings.Join(args, " "), err, errOut)
		}
		return out
	}
}

// PostfixRoot returns the folder below which Postfix is unpacked. The packages postfix,
// postfix-cdb and postfix-lmdb conflict with sendmail. So they are not installed but
// unpacked into the folder of VIRTMAP_POSTFIX.
func PostfixRoot(t testing.TB) string {
	t.Helper()
	root := os.Getenv("VIRTMAP_POSTFIX")
	if root == "" {
		Skip(t, "VIRTMAP_POSTFIX does not name a folder with Postfix unpacked")
	}
	if _, err := user.Lookup("postfix"); err != nil {
		Skip(t, "this machine has no account postfix")
	}
	return root
}

// Postfix returns the beginning of a command line for a program of Postfix, such as
// postmap or smtp-source.
func Postfix(t testing.TB, program string) []string {
	t.Helper()
	root := PostfixRoot(t)
	config := t.TempDir()
	lib := filepath.Join(root, "usr/lib/postfix")
	main := fmt.Sprintf("compatibility_level = 3.6\nqueue_directory = %[1]s\ndata_directory = %[1]s\nmeta_directory = %[1]s\nshlib_directory = %[2]s\ndaemon_directory = %[2]s/sbin\ncommand_directory = %[3]s\n",
		config, lib, filepath.Join(root, "usr/sbin"))
	for name, text := range map[string]string{
		"main.cf": main, "dynamicmaps.cf": "",
		"dynamicmaps.cf.d/cdb":  "cdb\tpostfix-cdb.so\tdict_cdb_open\tmkmap_cdb_open\n",
		"dynamicmaps.cf.d/lmdb": "lmdb\tpostfix-lmdb.so\tdict_lmdb_open\tmkmap_lmdb_open\n",
	} {
		path := filepath.Join(config, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"/usr/bin/env", "MAIL_CONFIG=" + config, "LD_LIBRARY_PATH=" + lib, filepath.Join(root, "usr/sbin", program)}
}
