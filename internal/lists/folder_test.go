package lists

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// folder reads files of a folder d as a list of a kind.
func folder(kind string, files map[string]string) (*List, error) {
	read := func(path string) ([]byte, error) {
		text, there := files[filepath.Base(path)]
		if !there || filepath.Dir(path) != "d" {
			return nil, fmt.Errorf("%q: %w", path, os.ErrNotExist)
		}
		return []byte(text), nil
	}
	names := func(dir string) ([]string, error) { return slices.Sorted(maps.Keys(files)), nil }
	return Read(kind, "d", read, names)
}

func checkFolder(t *testing.T, kind string, files map[string]string, want string) {
	t.Helper()
	list, err := folder(kind, files)
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(list); got != want {
		t.Errorf("it becomes\n%s\nand not\n%s", got, want)
	}
}

func TestDockerMailserver(t *testing.T) {
	checkFolder(t, "docker-mailserver", map[string]string{
		"postfix-virtual.cf":          "# addresses\n\ninfo@shop.example ann@shop.example,\n# end\n",
		"postfix-accounts.cf":         "# accounts\nann@shop.example|{SHA512-CRYPT}$6$salt$hash\n",
		"postfix-aliases.cf":          "root: ann@shop.example\n",
		"postfix-regexp.cf":           "# patterns\n/^x/ ann@shop.example\n",
		"postfix-main.cf":             "# nothing\n",
		"postfix-receive-access.cf":   "bob@shop.example REJECT\n",
		"postfix-send-access.cf":      "bob@shop.example REJECT\n",
		"dovecot-quotas.cf":           "ann@shop.example:1G\n",
		"before.dovecot.sieve":        "keep;\n",
		"postfix-sasl-password.cf":    "@shop.example user:typed\n",
		"user-patches.sh":             "#!/bin/bash\n\npostconf x=y\n",
		"fetchmail.cf":                "poll\n",
		"ldap-users.cf":               "bind = yes\n",
		"ann@shop.example.unknown.cf": "x",
	}, "head # addresses\n"+
		"d/postfix-virtual.cf:3 address [info@shop.example] [ann@shop.example]\n"+
		"  # end\n  # accounts\nd/postfix-accounts.cf:2 mailbox [ann@shop.example] []\n"+
		"d/postfix-aliases.cf:1 alias [root] [ann@shop.example]\n"+
		"d/postfix-regexp.cf:2 left [] its patterns are not read: list the addresses that they stand for\n"+
		"d/postfix-receive-access.cf:1 left [] it names accounts that get no mail, and is not read: refuse these addresses\n"+
		"d/ldap-users.cf:1 left [] its mailboxes are in LDAP, which is not read\n"+
		"d/user-patches.sh:3 left [] it is a program that may change the configuration, and is not read\n"+
		"note d has 1 script that may send mail on (*.dovecot.sieve), which are not read.\n")
	if _, err := folder("docker-mailserver", map[string]string{"virtual": ""}); err == nil {
		t.Error("a folder without the files is read")
	}
}

func TestFolderOfPostfixadmin(t *testing.T) {
	checkFolder(t, "postfixadmin", map[string]string{
		"1.csv":      "domain,transport,backupmx,active\na.example,virtual,0,1\n",
		"2.txt":      "address;goto;active\nann@a.example;ann@a.example;1\n",
		"admin.csv":  "username,password,superadmin,active\nroot@a.example,typed,1,1\n",
		"log.csv":    "timestamp,username,domain,action,data\nx,y,z,a,b\n",
		"box":        "username\tpassword\tmaildir\tactive\nann@a.example\ttyped\ta/\t1\n",
		"da.csv":     "username,domain,created,active\nann@a.example,a.example,x,1\n",
		"quota.csv":  "username,bytes,messages\nann@a.example,1,2\n",
		"other.csv":  "a,b\n1,typed\n",
		"dump.sql":   "-- x\nINSERT INTO alias VALUES ('typed');\n",
		"README.txt": "Read this.\n",
		".x.csv":     "a,b\n",
		"empty.csv":  "",
		"notes.md":   "x\n",
	}, "d/1.csv:2 domain [a.example] []\n"+
		"d/2.txt:2 address [ann@a.example] [ann@a.example]\n"+
		"d/box:2 mailbox [ann@a.example] [a/]\n"+
		"d/dump.sql:1 left [] the file is a dump of SQL: export the tables as CSV, each with its header\n"+
		"d/other.csv:1 left [] its first line is no header of a table alias, mailbox, alias_domain or domain: export the table with the names of its columns\n"+
		"note d/1.csv: these columns were read: domain, transport, backupmx, active.\n"+
		"note d/2.txt: these columns were read: address, goto, active.\n"+
		"note d/box: these columns were read: username, maildir, active; and these were not: password.\n")
	if _, err := folder("postfixadmin", map[string]string{"x.csv": "a,b\n"}); err == nil {
		t.Error("a folder without tables is read")
	}
}

func TestReadNamesWhatItCannotRead(t *testing.T) {
	if _, err := folder("exchange", nil); err == nil {
		t.Error("an unknown kind is read")
	}
	if _, err := folder("postfix", nil); err == nil {
		t.Error("a missing file is read")
	}
}

func TestFolderOfExim(t *testing.T) {
	checkFolder(t, "exim-virtual", map[string]string{
		"a.example": "# addresses\n\ninfo: ann, Bob@far.example\nnews ann,\n  bea\n\"j doe\" : ann\nold: :fail: 550 5.1.1 Ann has left\n" +
			"gone: :fail:\nbusy: :defer: being moved\nbusy2: :defer: 550 no\nhole: :blackhole:\nno: :unknown:\nall: :include:/etc/all\nx*: ann\n*: @b.example\nempty:\n",
		"b.example":     "*@b.example: root\n*: ann\n\"open: x\n",
		"a.example.bak": "info: typed\n",
		"README":        "Read this.\n",
		".hidden":       "x: y\n",
	}, "head # addresses\n"+
		"d/a.example:3 address [info@a.example] [ann, Bob@far.example]\n"+
		"d/a.example:4 address [news@a.example] [ann, bea]\n"+
		"d/a.example:6 address [j doe@a.example] [ann]\n"+
		"d/a.example:7 address [old@a.example] [error:5.1.1:550 Ann has left]\n"+
		"d/a.example:8 address [gone@a.example] [error:5.1.1:550 User unknown]\n"+
		"d/a.example:9 address [busy@a.example] [error:4.2.1:450 being moved]\n"+
		"d/a.example:10 address [busy2@a.example] [error:4.2.1:450 no]\n"+
		"d/a.example:15 address [@a.example] [@b.example]\n"+
		"d/b.example:1 address [@b.example] [root]\n"+
		"d/b.example:2 address [@b.example] [ann]\n"+
		"d/a.example:11 left [hole@a.example :blackhole:] its mail is thrown away, for which an inventory has no target: refuse it, or name a user\n"+
		"d/a.example:12 left [no@a.example :unknown:] its key counts as not listed\n"+
		"d/a.example:13 left [all@a.example :include:/etc/all] the list in the file that it includes is not read: list the members, or put it into the server's aliases\n"+
		"d/a.example:14 left [x*@a.example ann] its key is a pattern: list the addresses that it stands for\n"+
		"d/a.example:16 left [empty@a.example] it has no target\n"+
		"d/b.example:3 left [\"open: x] a quotation mark in it has no end\n"+
		"note d/README is not read: the name of a file is that of its domain.\n"+
		"note d/a.example.bak is not read: the name of a file is that of its domain.\n")
	if _, err := folder("exim-virtual", map[string]string{"README": "x\n"}); err == nil {
		t.Error("a folder without domains is read")
	}
}
