package importer_test

import (
	"strings"
	"testing"

	"virtmap/internal/build"
	"virtmap/internal/importer"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/sendmail"
)

// FuzzFrom reads random texts as each kind of list. The result is an error, or an
// inventory without faults in which every line is imported or named.
func FuzzFrom(f *testing.F) {
	f.Add("a@b.example x, y\n@c.example @b.example\n# z\nb.example\n", 0)
	f.Add("a@b.example\tb/a\n", 1)
	f.Add("address;target\na@b.example;\"x, y\"\n", 2)
	f.Add("a+b@c.example error:5.1.1:\"550 no\"\nx |y\n", 3)
	f.Add("A@0 x\n\xa00@a x\n", 3)
	f.Add("@a.example x \x00\ny@a.example A+\"0 x, X\n", 3)
	f.Fuzz(func(t *testing.T, text string, kind int) {
		kinds := []string{"postfix", "mailbox", "csv", "lines", "aliases"}
		s, err := importer.OfList(sendmail.Server, "/var/mail", kinds[uint(kind)%uint(len(kinds))], text, func(name string) bool { return !strings.HasPrefix(name, "virtmap-") })
		if err != nil {
			return
		}
		inv, err := s.Inventory("mail.yaml")
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		damaged := strings.Contains(strings.ToLower(text), "error:") || strings.Contains(inv.Text, "# The row was ") // the outcome may differ: the proof lists it
		if p := prove(t, s, inv); !p.Harmless() && inv.Left == 0 && !damaged {
			t.Errorf("%q becomes\n%s\nand %+v differs", text, inv.Text, p.Found[0])
		}
	})
}

// FuzzServer reads random texts as those of a sendmail server. The result is an error,
// or an inventory without faults in which every difference has a reason.
func FuzzServer(f *testing.F) {
	f.Add("info@a.example bea, x\nlist@a.example\tlist\n@b.example\t%1%3@a.example\n# x\n", "a.example\n# b\nb.example\n", "list: bea, gone@a.example\nowner-list: andrei\n")
	f.Add("x@a.example error:5.1.1:\"550 no\"\ny+*@a.example root%3\n@a.example error:nouser No\n", "a.example", "root: andrei\n")
	f.Add("a@a.example b@a.example\nb@a.example a@a.example\nX+d@A.Example.\t\\root\n", "A.example.", "x: |cat, /tmp/x, :include:/x\n")
	f.Add("@ x\nx y\n\xe9@a.example root\n@[1.2.3.4] bea\n", "[1.2.3.4]\nlocalhost\n\xe9\n", "virtmap=a: root, virtmap=a\nvirtmap-root: root, a@b.example\n")
	f.Add("info@a.exampl<<<<a, x\nlist@a.example\tlirt\n@@b.example\t%1%3@a.example\n", "a.example\nb.example\n", "\x10one\x00 xam\xa2le\n")
	f.Add("@b.example\t%1%3\xae5\xf4\bI@a.example\n", "a.example\nb.example\n", "")
	f.Add("x@a.example error:5.1.1:\"550 n.\ny@a.example er5.1.1ampy+*@a.ror:%3\nz@a.example listYY\t%1%3@a.exam\n", "a.example", "")
	f.Fuzz(func(t *testing.T, table, classW, aliases string) {
		dir := t.TempDir()
		write(t, dir, "sendmail.cf", "Djmx1.example.net\nFw/etc/mail/local-host-names\nKvirtuser text /etc/mail/virtusertable\nO AliasFile=/etc/mail/aliases\n")
		write(t, dir, "virtusertable", table)
		write(t, dir, "local-host-names", classW)
		write(t, dir, "aliases", aliases)
		from, err := sendmail.Server.Import(dir, mta.Host{Name: "mx1.example.net", Account: account}, nil)
		if err != nil {
			return
		}
		server, err := importer.New(sendmail.Server, from)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		inv, err := server.Inventory("mail.yaml")
		if err != nil {
			t.Fatalf("%q: %v", table, err)
		}
		for _, d := range prove(t, server, inv).Found {
			if d.Why == "" {
				t.Errorf("%s: %+v -> %+v, with\n%s", d.Address, d.Old, d.New, inv.Text)
			}
		}
	})
}

// FuzzPostfix reads random texts as those of a Postfix. The result is an error, or an
// inventory without faults in which every difference has a reason.
func FuzzPostfix(f *testing.F) {
	const main = "compatibility_level = 3.6\nmyhostname = mx1.example.net\nvirtual_alias_maps = hash:/etc/postfix/virtual\nvirtual_mailbox_maps = hash:/etc/postfix/vmailbox\n"
	f.Add(main+"virtual_alias_domains = a.example\n", "info@a.example root, x@far.example\n@a.example bin\nroot bin\n", "")
	f.Add(main+"virtual_mailbox_domains = a.example\nvirtual_mailbox_base = /var/mail\nvirtual_uid_maps = static:5000\nvirtual_gid_maps = static:5000\n", "x@a.example x@a.example, y@a.example\n", "x@a.example a/x\ny@a.example a/y/\n@b.example z\n")
	f.Add(main+"mydestination = $myhostname, b.example\nrecipient_delimiter = +\nrelay_domains = c.example\n", "b.example x\na+d@b.example root\n@c.example @b.example\n", "")
	f.Fuzz(func(t *testing.T, main, virtual, mailboxes string) {
		dir := t.TempDir()
		write(t, dir, "main.cf", main)
		write(t, dir, "virtual", virtual)
		write(t, dir, "vmailbox", mailboxes)
		from, err := postfix.Server.Import(dir, mta.Host{Name: "mx1.example.net", Account: account}, nil)
		if err != nil {
			return
		}
		server, err := importer.New(postfix.Server, from)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		inv, err := server.Inventory("mail.yaml")
		if err != nil {
			t.Fatalf("%q %q %q: %v", main, virtual, mailboxes, err)
		}
		next := t.TempDir()
		if err := build.WriteSet(t.Context(), postfix.Server, inv.Source, next); err != nil {
			t.Fatal(err)
		}
		files, err := postfix.Server.Open(mta.Place{Dir: next}, mta.Host{Name: "mx1.example.net", Account: server.Delivers})
		if err != nil {
			t.Fatal(err)
		}
		defer files.Close()
		proof, err := server.Prove(inv, files)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range proof.Found {
			if d.Why == "" && inv.Left == 0 {
				t.Errorf("%s: %+v -> %+v, with\n%s", d.Address, d.Old, d.New, inv.Text)
			}
		}
	})
}
