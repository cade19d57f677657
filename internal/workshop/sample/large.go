package sample

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// perDomain is the number of addresses of a domain in a large inventory.
const perDomain = 50

// Large writes a plain inventory of n addresses, as a hosting provider may have. Most
// addresses lead to users, some to other servers, and a few to a list or a refusal.
// The same n gives the same text.
func Large(w io.Writer, n int) error {
	l := newLarge(w, n)
	l.head()
	l.printf("domains:\n")
	for d := range l.domains() {
		l.domain(d)
	}
	return l.err
}

// LargeFolder writes the inventory of Large in several files: mail.yaml includes a
// file for each domain.
func LargeFolder(dir string, n int) error {
	parts := filepath.Join(dir, "domains")
	if err := os.MkdirAll(parts, 0o755); err != nil {
		return err
	}
	l := newLarge(nil, n)
	err := l.file(filepath.Join(dir, "mail.yaml"), func() {
		l.head()
		l.printf("include: [domains/*.yaml]\n")
	})
	for d := range l.domains() {
		err = errors.Join(err, l.file(filepath.Join(parts, fmt.Sprintf("d%d.yaml", d)), func() {
			l.printf("domains:\n")
			l.domain(d)
		}))
	}
	return err
}

// LargeAccounts writes a passwd file with the users of Large.
func LargeAccounts(w io.Writer, n int) error {
	l := newLarge(w, n)
	for i := range l.users {
		l.printf("box%d:x:%d:%d::/:/bin/sh\n", i, 1000+i, 1000+i)
	}
	return l.err
}

// LargeZone writes the zone of the root in which each domain of Large leads to its
// server.
func LargeZone(w io.Writer, n int) error {
	l := newLarge(w, n)
	l.printf("$ORIGIN .\n$TTL 3600\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\n%s. A 192.0.2.25\n", HostName)
	for d := range l.domains() {
		l.printf("d%d.example.org. MX 10 %s.\n", d, HostName)
	}
	return l.err
}

// LargeAddress is the first address of Large.
func LargeAddress(n int) string {
	var text strings.Builder
	l := newLarge(&text, n)
	l.domain(0)
	_, local, _ := strings.Cut(text.String(), " user")
	local, _, _ = strings.Cut(local, ":")
	return "user" + local + "@d0.example.org"
}

// large writes the parts of a large inventory.
type large struct {
	w     io.Writer
	n     int // number of addresses
	users int // number of users
	r     *rand.Rand
	err   error // the first error
}

func newLarge(w io.Writer, n int) *large {
	return &large{w: w, n: n, users: max(1, n/20), r: rand.New(rand.NewPCG(uint64(n), 50))}
}

// domains returns the number of domains.
func (l *large) domains() int { return (l.n + perDomain - 1) / perDomain }

func (l *large) printf(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format, args...)
	}
}

// file creates a file, and write writes to it.
func (l *large) file(path string, write func()) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	l.w = out
	write()
	return errors.Join(l.err, out.Flush(), f.Close())
}

// head writes the part before the domains.
func (l *large) head() {
	l.printf("version: 1\nhost: {name: %s}\nusers:\n", HostName)
	for i := range l.users {
		l.printf("  box%d:\n", i)
	}
	l.printf("defaults: {roles: {postmaster: box0}}\n")
}

// domain writes domain d.
func (l *large) domain(d int) {
	l.printf("  d%d.example.org:\n    addresses:\n", d)
	for i := d * perDomain; i < min(l.n, (d+1)*perDomain); i++ {
		target := fmt.Sprintf("box%d", l.r.IntN(l.users))
		switch l.r.IntN(50) {
		case 0:
			target = fmt.Sprintf("[box%d, someone%d@elsewhere.example]", l.r.IntN(l.users), i)
		case 1:
			target = "reject"
		case 2, 3, 4, 5:
			target = fmt.Sprintf("someone%d@elsewhere.example", i)
		}
		l.printf("      user%d.%08x: %s\n", i, l.r.Uint32(), target)
	}
}
