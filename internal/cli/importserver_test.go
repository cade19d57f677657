package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rebuilt is an inventory for a server of any kind, without what OpenSMTPD cannot do.
const rebuilt = `version: 1
host: {server: KIND, name: mx7.example.net}
users: {andrei: , bea: {mailbox: /srv/bea/, uid: 1002}, carl: {forward: c@far.example, keep_copy: true}}
domains:
  a.example:
    addresses:
      info: andrei
      old: {reject: "Ann, 100%"}
      team: [andrei, bea, x@far.example, "o%%o@far.example"]
      team+news: carl
      bea: {to: bea, detail: reject}
  b.example: {same_as: a.example}
  c.example: {catch_all: local, addresses: {x: bea}}
  d.example: {catch_all: {domain: a.example}}
  e.example: {role: backup}
`

// TestImportOfWhatWasBuilt builds an inventory for each server into a folder, and imports the
// folder. No outcome differs, also for a server of another kind, and the name of the server
// is that of the files.
func TestImportOfWhatWasBuilt(t *testing.T) {
	for _, kind := range []string{"exim", "opensmtpd"} {
		for _, next := range []string{kind, "sendmail"} {
			t.Run(kind+" to "+next, func(t *testing.T) {
				t.Chdir(t.TempDir())
				if err := os.WriteFile("mail.yaml", []byte(strings.Replace(rebuilt, "KIND", kind, 1)), 0o644); err != nil {
					t.Fatal(err)
				}
				if code, out, said := run("", "build", "-o", "out", "--mx", "off"); code != 0 {
					t.Fatalf("build ends with %d: %s%s", code, out, said)
				}
				passwd := filepath.Join(t.TempDir(), "passwd")
				if err := os.WriteFile(passwd, []byte("andrei:x:1:1::/:/bin/sh\ncarl:x:2:2::/:/bin/sh\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				code, yaml, said := run("", "import", "--accounts", passwd, "--kind", next, "--from", kind+"-server:out")
				if code != 0 || !strings.Contains(said, "compared, 0 differ\n") {
					t.Errorf("import ends with %d: %s\n%s", code, said, yaml)
				}
				if !strings.Contains(yaml, "  name: mx7.example.net\n") {
					t.Errorf("it is another server:\n%s", yaml)
				}
				if code, plain, said := run("", "import", "--accounts", passwd, "out"); next == kind && (code != 0 || plain != yaml || strings.Contains(said, "taken from this machine")) {
					t.Errorf("the folder alone gives %d: %s\n%s", code, said, plain)
				}
			})
		}
	}
}
