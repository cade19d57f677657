package program_test

import (
	"net"
	"net/textproto"
	"path/filepath"
	"testing"

	"virtmap/internal/endtoend"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// BenchmarkRcpt measures the replies to RCPT, one by one over a socket, of sendmail -bs
// and of the receiver, with the same table.
func BenchmarkRcpt(b *testing.B) {
	p := installed(b)
	dir := filepath.Join(peer.SafeDir(b), "set")
	cf := serveTable(b, p, dir, "fake@d.example\troot\n@d.example\terror:5.1.1:\"550 User unknown\"\n", "d.example\n")
	router := routerOver(b, dir, map[string]bool{"d.example": true})
	addresses := make([]string, 5000)
	for i := range addresses {
		addresses[i] = []string{"fake@d.example", "fake+x@d.example", "nobody@d.example", "fake@far.example"}[i%4]
	}
	rate := func(b *testing.B) { b.ReportMetric(float64(len(addresses)*b.N)/b.Elapsed().Seconds(), "rcpt/s") }
	b.Run("sendmail", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.Rcpt(b.Context(), cf, addresses); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
	b.Run("virtmap", func(b *testing.B) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		go func() {
			_ = smtpd.New(smtpd.Config{Host: sample.HostName, Router: answers{&sendmail.View{Router: router}}, Store: &smtpd.Memory{}}).Serve(b.Context(), listener)
		}()
		for b.Loop() {
			askAll(b, listener.Addr().String(), addresses)
		}
		rate(b)
	})
}

type answers struct{ set mta.Set }

func (a answers) Route(addr string) smtpd.Answer {
	got, _ := a.set.Route(addr)
	return endtoend.AnswerOf(got, func(outcome.Outcome) string { return "" })
}

// askAll asks about addresses as Program.Rcpt does.
func askAll(b *testing.B, addr string, addresses []string) {
	b.Helper()
	c, err := textproto.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ask := func(line string) {
		if line != "" {
			if err := c.PrintfLine("%s", line); err != nil {
				b.Fatal(err)
			}
		}
		if code, _, err := c.ReadResponse(0); code == 0 {
			b.Fatal(err)
		}
	}
	ask("")
	ask("EHLO client.example")
	for i, address := range addresses {
		if i%50 == 0 {
			ask("RSET")
			ask("MAIL FROM:<sender@elsewhere.example>")
		}
		ask("RCPT TO:<" + address + ">")
	}
}
