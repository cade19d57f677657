package resolve

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"virtmap/mxcheck"
)

// FuzzAnswer reads random packets. The records of the answer always belong to the
// question.
func FuzzAnswer(f *testing.F) {
	var m dns.Msg
	m.SetQuestion("fakemail.example.", dns.TypeMX)
	m.Response = true
	for _, text := range []string{"fakemail.example. 60 CNAME x.example.", "x.example. 60 MX 10 mx1.example.net.", "example. 60 DNAME net."} {
		rr, err := dns.NewRR(text)
		if err != nil {
			f.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	m.SetEdns0(payload, false)
	packet, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packet)
	f.Add(packet[:30])
	q := mxcheck.Question{Name: "fakemail.example", Type: mxcheck.TypeMX}
	wire := packet[headerSize : headerSize+len(q.Name)+2+4]
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) < headerSize || !answers(packet, wire) {
			return
		}
		a, broken := readAnswer(packet, q, "192.0.2.53")
		if broken && (a.Failure == "" || len(a.Records) > 0) {
			t.Fatalf("%+v", a)
		}
		name := q.Name
		for _, alias := range a.Aliases {
			if alias.Name != name {
				t.Fatalf("%+v", a.Aliases)
			}
			name = alias.Target
		}
		for _, r := range a.Records {
			if r.Name != name || r.Type != q.Type {
				t.Fatalf("%+v behind %s", r, name)
			}
		}
		if a.NoName && binary.BigEndian.Uint16(packet[2:])&0x0f != dns.RcodeNameError {
			t.Fatal("a name was taken for missing")
		}
	})
}

// FuzzZone reads random zone files.
func FuzzZone(f *testing.F) {
	for _, text := range []string{
		"$TTL 3600\n@ SOA ns h 1 2 3 4 5\n MX 10 mx1.example.net.\n*.w A 192.0.2.1\nd DNAME e\ns NS ns.s\nc CNAME d\n",
		"$GENERATE 1-3 a$ A 192.0.2.$\n",
		"$INCLUDE zone\n",
		"$ORIGIN .\n. 60 SOA . . 1 2 3 4 5\n. MX 0 .\n",
	} {
		f.Add(text, "fakemail.example")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		if strings.Contains(text, "$GENERATE") && len(text) > 200 {
			return // many lines that make 65,535 records each
		}
		file := filepath.Join(t.TempDir(), "zone")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		zones, faults, err := LoadZones([]string{file + ":fakemail.example"})
		if err != nil {
			return
		}
		for _, fault := range faults {
			if fault.File == "" || fault.Text == "" || fault.Line < 0 || fault.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("%+v", fault)
			}
		}
		for _, typ := range []mxcheck.Type{mxcheck.TypeMX, mxcheck.TypeA} {
			a := zones.Ask(t.Context(), mxcheck.Question{Name: name, Type: typ})
			if a.Failure == "" && !a.NoName && len(a.Records)+len(a.Aliases) == 0 && a.Proof == nil {
				t.Fatalf("%q: an empty answer without a proof", name)
			}
		}
	})
}

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.53":           "192.0.2.53",
		"192.0.2.53:53":        "192.0.2.53",
		"192.0.2.53:5353":      "192.0.2.53:5353",
		"2001:db8::53":         "2001:db8::53",
		"[2001:db8::53]":       "2001:db8::53",
		"[2001:db8::53]:5353":  "[2001:db8::53]:5353",
		"fe80::1%eth0":         "fe80::1%eth0",
		"localhost":            "",
		"192.0.2.53:0":         "",
		"192.0.2.53:x":         "",
		"":                     "",
		"192.0.2.53,192.0.2.1": "",
	} {
		server, err := ParseServer(text)
		got := ""
		if err == nil {
			got = serverName(server)
		}
		if got != want {
			t.Errorf("%q: %q, want %q (%v)", text, got, want, err)
		}
	}
}

func TestSystemServers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	for text, want := range map[string]string{
		"search example.net\nnameserver 192.0.2.1\n; nameserver 192.0.2.2\nnameserver 2001:db8::1\noptions rotate\n": "192.0.2.1 2001:db8::1",
		"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n":                   "192.0.2.1 192.0.2.2 192.0.2.3",
		"nameserver ns.example.net\nnameserver 192.0.2.1\n":                                                          "192.0.2.1",
		"search example.net\n": "127.0.0.1",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range SystemServers(file) {
			got = append(got, serverName(s))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestNoEndlessAliases reads an answer with aliases in a circle.
func TestNoEndlessAliases(t *testing.T) {
	var all []dns.RR
	for _, text := range []string{"a. 60 CNAME b.", "b. 60 CNAME a.", "c.d. 60 DNAME d.", "d. 60 DNAME c.d."} {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rr)
	}
	for _, name := range []string{"a", "x.d", "x.c.d"} {
		aliases, _ := pick(all, mxcheck.Question{Name: name, Type: mxcheck.TypeMX})
		if len(aliases) > len(all)+1 || slices.ContainsFunc(aliases, func(r mxcheck.Record) bool { return len(r.Target) > 300 }) {
			t.Errorf("%s: %v", name, aliases)
		}
	}
}
