package lists

import (
	"strings"
	"testing"
)

func TestFilesOfAnotherKind(t *testing.T) {
	check(t, "postfix", []situation{
		{"is an aliases file", "abuse: tech\n# who\nroot :ann\nlist:\n  ann\n",
			"f:1 left [abuse: tech] it is a line of an aliases file (--from aliases:FILE)\n" +
				"  # who\nf:3 left [root :ann] it is a line of an aliases file (--from aliases:FILE)\n" +
				"f:4 left [list:  ann] it is a line of an aliases file (--from aliases:FILE)\n" +
				"note f is an aliases file: give it as --from aliases:f.\n"},
		{"has one line of an aliases file", "abuse: tech\na@a.example x\nb@a.example x\n",
			"f:2 address [a@a.example] [x]\nf:3 address [b@a.example] [x]\nf:1 left [abuse: tech] it is a line of an aliases file (--from aliases:FILE)\n"},
		{"is a list of mailboxes", "ann@shop.example ann/\nbob@shop.example shop.example/bob\n",
			"f:1 left [ann@shop.example ann/] its value is the path of a mailbox (--from mailbox:FILE)\n" +
				"f:2 left [bob@shop.example shop.example/bob] its value is the path of a mailbox (--from mailbox:FILE)\n" +
				"note f is a list of mailboxes: give it as --from mailbox:f.\n"},
		{"is a list of names", "ann@shop.example\n",
			"f:1 left [ann@shop.example] it has no value, and postmap(1) leaves it out\n" +
				"note f is a list of names without values: if these are domains or mailboxes, give it as --from mailbox:f.\n"},
		{"is a table of patterns", "/^info-.*@shop\\.example$/ ann@far.example\n",
			"f:1 left [/^info-.*@shop\\.example$/ ann@far.example] it is a pattern of regexp_table(5): list the addresses that it stands for\n" +
				"note f is a table of patterns (regexp_table(5)): list the addresses that they stand for.\n"},
		{"is a list of accounts", "ann@shop.example|{SHA512-CRYPT}$6$salt$hash\nbob@shop.example:typed:1:2::/home::\n",
			"f:1 left [ann@shop.example|{…}] it is an account with its password (--from mailbox:FILE)\n" +
				"f:2 left [bob@shop.example:{…}] it is an account with its password (--from mailbox:FILE)\n" +
				"note f is a list of accounts with their passwords: give it as --from mailbox:f.\n"},
		{"is passwd(5)", "root:x:0:0:root:/root:/bin/sh\n",
			"f:1 left [root:{…}] it is an account with its password (--from mailbox:FILE)\nnote f is a list of accounts with their passwords: give it as --from mailbox:f.\n"},
		{"is CSV", "ann@shop.example,bob@far.example\n",
			"f:1 left [ann@shop.example,bob@far.example] it is a line of CSV (--from csv:FILE)\nnote f is a CSV file: give it as --from csv:f.\n"},
		{"is a table of access(5)", "spam@a.example REJECT\nx@a.example 550 5.1.1 no\na@a.example OK\n",
			"f:1 left [spam@a.example REJECT] its value is an action of access(5), and no target\n" +
				"f:2 left [x@a.example 550 5.1.1 no] its value is an action of access(5), and no target\n" +
				"f:3 left [a@a.example OK] its value is an action of access(5), and no target\n" +
				"note f is a table of access(5), which has no targets.\n"},
		{"is a table of transport(5), or of passwords", "a.example smtp:[192.0.2.1]\n[mail.isp.example]:587 user:typed\n",
			"f:1 left [a.example {…}] its value is that of transport(5), or a password, and no target\n" +
				"f:2 left [[mail.isp.example]:{…}] its value is that of transport(5), or a password, and no target\n" +
				"note f is a table of transport(5) or of passwords, which has no targets.\n"},
		{"is YAML", "shop.example:\n  info: ann\n  - bob\n",
			"f:1 left [shop.example:  info: ann  - bob] it is YAML\nnote f is YAML, which is no list: an inventory is given without --from.\n"},
		{"is a configuration file", "# us\nhosts = localhost\npassword = typed\nquery = SELECT goto FROM alias\n  WHERE x\n",
			"f:1 left [] it is a configuration file with parameters, and no list: give the lists that it names\n"},
		{"has a parameter", "a@a.example x\npassword = typed\nb@a.example x\n",
			"f:1 address [a@a.example] [x]\nf:3 address [b@a.example] [x]\nf:2 left [password {…}] it is a parameter of a configuration file\n"},
		{"is prose", "# Our mail\n\nThis folder has the lists of our server.\n\n- virtual: our addresses\n\nAsk Ann before a change.\n",
			"f:1 left [] it is prose, and no list\n"},
	})
}

func TestWholeFiles(t *testing.T) {
	hash := strings.Repeat("\x00", 12) + "\x61\x15\x06\x00" + strings.Repeat("\x00", 4080)
	for _, s := range []struct{ it, text, why string }{
		{"git-crypt", "\x00GITCRYPT\x00typed", isEncrypted},
		{"ansible-vault", "$ANSIBLE_VAULT;1.1;AES256\n3132\n", isEncrypted},
		{"age", "age-encryption.org/v1\n-> X25519 x\n", isEncrypted},
		{"age in text", "-----BEGIN AGE ENCRYPTED FILE-----\nx\n", isEncrypted},
		{"PGP", "-----BEGIN PGP MESSAGE-----\n\nx\n", isEncrypted},
		{"sops", "{\n\t\"data\": \"ENC[AES256_GCM,data:x]\",\n\t\"sops\": {}}\n", isEncrypted},
		{"a map", hash, isMap},
		{"gzip", "\x1f\x8b\x08", isCompressed},
		{"a spreadsheet", "PK\x03\x04x", isOffice},
		{"UTF-16", "\xff\xfea\x00", isUTF16},
		{"HTML", "\n<!DOCTYPE html>\n", isWebPage},
		{"a dump", "--\n-- x\n--\nINSERT INTO alias VALUES ('a@a.example','x');\n", isDump},
		{"LDIF", "dn: cn=x\n", isLDIF},
		{"JSON", "{\"a\": 1}\n", isStructured},
		{"bytes", "a@a.example x\n\x00\x01\n", isBinary},
	} {
		for _, kind := range []string{"postfix", "mailbox", "aliases", "csv", "lines"} {
			if got, want := shown(parse(kind, "f", s.text)), "f:1 left [] "+s.why+"\n"; got != want {
				t.Errorf("%s as %s becomes %s", s.it, kind, got)
			}
		}
	}
}

func TestWithoutSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"ann|{SHA512-CRYPT}$6$salt$hash|x=1":                       "ann|{…}|x=1",
		"ann:$2y$10$abcdefghijklmnopqrstuv:1":                      "ann:{…}:1",
		"$argon2id$v=19$m=65536,t=3,p=1$salt$hash x":               "{…} x",
		"{PLAIN}typed in two words|x":                              "{…}|x",
		"$y$j9T$salt$hash":                                         "{…}",
		"|/bin/x ${HOME}/y, ann+$b@a.example, {}, $1, {SHA} $x$ z": "|/bin/x ${HOME}/y, ann+$b@a.example, {}, $1, {SHA} $x$ z",
	} {
		if got := WithoutSecrets(text); got != want {
			t.Errorf("%q becomes %q and not %q", text, got, want)
		}
	}
}

// TestNoSecretComesOut puts a hash into each place of each kind of list.
func TestNoSecretComesOut(t *testing.T) {
	tried := 0
	for _, secret := range []string{"{SHA512-CRYPT}$6$salt$SECRET", "$2y$10$SECRET", "{PLAIN}my SECRET", "$argon2id$v=19$m=1,t=1$SECRET", "{ssha}SECRET"} {
		for _, form := range []string{"X\n", "a@a.example X\n", "a@a.example b X\n", "a@a.example b, X c\n", "X a@a.example\n", "# X\na@a.example b\n", "a@a.example b\n # X", "a@a.example|X\n", "a@a.example:X:1:2::\n",
			"a: X\n", "a@a.example,X\n", "X,b\n", "a@a.example;b;X\n", "a@a.example,\"X\n", "address,goto,X\na@a.example,b,X\n", "username,password,maildir\na@a.example,X,X\n", "X,username\nX,a@a.example\n", "x = X\n", "x=X\n", "a@a.example\n X\n",
			"domain,transport\na.example,X\n"} {
			for _, kind := range []string{"postfix", "mailbox", "aliases", "csv", "lines"} {
				tried++
				text := strings.ReplaceAll(form, "X", secret)
				if got := shown(parse(kind, "f", text)); strings.Contains(got, "SECRET") {
					t.Errorf("%s of %q shows %s", kind, text, got)
				}
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d texts", tried)
	}
}
