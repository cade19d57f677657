package program

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mailaddr"
)

// An End is where mail for an address ends.
type End struct {
	To     string // the address that the delivery agent got
	Agent  string // the service, such as local, virtual or smtp; cleanup for a loop
	Status string // deliverable, undeliverable, or loop for an address whose expansion does not end
	DSN    string // enhanced status code, such as 5.1.1
	Text   string // the words of the agent, such as "delivers to mailbox"
}

// Statuses of an End.
const (
	deliverable = "deliverable"
	loop        = "loop"
)

// forwards begins the text for an alias of local(8) that leads to another address.
const forwards = "forwards to "

// forward returns the address to which an alias of local(8) leads; false: the end is not
// such an alias.
func (e End) forward() (string, bool) {
	to, ok := strings.CutPrefix(e.Text, forwards)
	return withQuotes(to), ok
}

// withQuotes returns an address as sendmail(1) reads it. local(8) writes addresses without
// quotes, and "a b@c.example" means two.
func withQuotes(addr string) string {
	local, domain, ok := mailaddr.Split(addr)
	needs := strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") ||
		strings.ContainsAny(local, "()<>@,;:\\\"[]") || strings.ContainsFunc(local, func(c rune) bool { return c <= ' ' || c == 127 })
	if !ok || local != "" && !needs {
		return addr
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"@` + domain
}

// longestChain is the number of aliases that may lead from one to the next.
const longestChain = 50

// Ends returns where mail for addresses ends (sendmail -bv; nothing is delivered). Virtual
// aliases and alias files are followed to their ends. It does not ask smtpd(8): RCPT says
// whether a stranger may write to an address. An address that Postfix cannot read has no
// End. The addresses are the keys as they were given.
func (p *Instance) Ends(ctx context.Context, addrs []string) (map[string][]End, error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	known := map[string][]End{}
	next := slices.Clone(addrs)
	for range longestChain {
		next = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(next))), func(addr string) bool {
			_, ok := known[addr]
			return ok
		})
		if len(next) == 0 {
			break
		}
		got, err := p.verify(ctx, next)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("sendmail -bv: %w", err)
		}
		maps.Copy(known, got)
		next = nil
		for _, ends := range got {
			for _, end := range ends {
				if to, ok := end.forward(); ok {
					next = append(next, to)
				}
			}
		}
	}
	all := make(map[string][]End, len(addrs))
	for _, addr := range addrs {
		all[addr] = follow(known, addr, nil)
	}
	return all, nil
}

// follow returns the ends of an address behind all that "forwards to" another one. above
// are the addresses that lead to it.
func follow(known map[string][]End, addr string, above []string) []End {
	var ends []End
	above = append(slices.Clip(above), addr)
	for _, end := range known[addr] {
		to, ok := end.forward()
		switch {
		case !ok:
			ends = append(ends, end)
		case slices.Contains(above, to) || len(above) > longestChain:
			end.Status = loop
			ends = append(ends, end)
		default:
			ends = append(ends, follow(known, to, above)...)
		}
	}
	return ends
}

// addressesAtOnce is the number of addresses of one sendmail -bv. The last recipients of a
// message often wait a second for the lock of its report, so there are few messages.
const addressesAtOnce = 1000

// verify returns the ends of addresses; an alias that forwards is not followed.
func (p *Instance) verify(ctx context.Context, addrs []string) (map[string][]End, error) {
	got := make(map[string][]End, len(addrs))
	var alone []string
	for _, group := range groups(addrs) {
		for len(group) > 0 {
			v, err := p.verifyOnce(ctx, group)
			if err != nil {
				return nil, err
			}
			maps.Copy(got, v.ends)
			left := slices.DeleteFunc(slices.Clone(group), func(addr string) bool { return v.ends[addr] != nil })
			if !v.refused || len(left) == len(group) {
				if len(group) > 1 {
					alone = append(alone, left...)
				}
				break
			}
			group = left // a loop loses the others: they are asked again, without it
		}
	}
	// The log has an address with quotes, a comment or a route in another form.
	for _, addr := range alone {
		v, err := p.verifyOnce(ctx, []string{addr})
		if err != nil {
			return nil, err
		}
		got[addr] = v.ends[addr]
	}
	return got, nil
}

// groups returns addresses in the groups of one sendmail -bv. cleanup(8) takes addresses
// that differ in case for one, so they are in groups of their own.
func groups(addrs []string) (all [][]string) {
	var rounds [][]string
	seen := map[string]int{}
	for _, addr := range addrs {
		folded := mailaddr.Lower(addr)
		n := seen[folded]
		seen[folded]++
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], addr)
	}
	for _, round := range rounds {
		all = slices.AppendSeq(all, slices.Chunk(round, addressesAtOnce))
	}
	return all
}

// A verification is what the log says of one sendmail -bv.
type verification struct {
	id      string              // the name in the queue
	asked   map[string][]string // the addresses, by what the log has
	only    string              // the address, if it is the only one
	ends    map[string][]End
	refused bool // cleanup(8) has refused the message
	done    bool
}

// verifyOnce runs one sendmail -bv and reads the log until the message is gone. The
// sender is the one of double bounces, to which Postfix sends no report.
func (p *Instance) verifyOnce(ctx context.Context, addrs []string) (*verification, error) {
	v := &verification{asked: map[string][]string{}, ends: map[string][]End{}}
	for _, addr := range addrs {
		v.asked[mailaddr.Lower(addr)] = append(v.asked[mailaddr.Lower(addr)], addr)
	}
	if len(addrs) == 1 {
		v.only = addrs[0]
	}
	log, err := p.openLog()
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := append([]string{"-bv", "-f", p.main.value("double_bounce_sender", "double-bounce"), "--"}, addrs...)
	cmd, err := p.command(ctx, p.main.value("sendmail_path", ""), args...)
	if err != nil {
		return nil, err
	}
	if _, err := run(cmd); err != nil {
		if v.only != "" && ctx.Err() == nil {
			return v, nil // sendmail finds no address in it
		}
		return nil, err
	}
	if err := p.watch(ctx, log, addrs, v); err != nil {
		return nil, err
	}
	if v.refused {
		return v, p.emptyMaildrop()
	}
	return v, nil
}

// silence is how long the log says nothing of a message until it is given up although it
// is not gone, if all its addresses have ends: a deferred message waits in the queue.
const silence = 10 * time.Second

// watch reads new lines of the log until the message of a verification is gone.
func (p *Instance) watch(ctx context.Context, log *logReader, addrs []string, v *verification) error {
	for last := time.Now(); ; {
		line, ok, err := log.next()
		switch {
		case err != nil:
			return err
		case ok:
			if v.read(line) {
				last = time.Now()
			}
			if problem := lookupProblem.FindStringSubmatch(line); problem != nil && problem[1] == v.id {
				return fmt.Errorf("postfix: %s", strings.TrimSpace(line))
			}
			if strings.Contains(line, ": fatal: ") {
				return fmt.Errorf("a daemon of Postfix has ended:\n%s", p.lastLines())
			}
			if v.done {
				return nil
			}
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Since(last) > silence && len(v.ends) == len(addrs):
			return nil
		case time.Since(last) > startLimit:
			return fmt.Errorf("no word of %d addresses for %s:\n%s", len(addrs)-len(v.ends), startLimit, p.lastLines())
		}
		select {
		case <-p.ended:
			return fmt.Errorf("master ended:\n%s", p.lastLines())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

var (
	queued        = regexp.MustCompile(` postfix/pickup\[\d+\]: (\w+): uid=`)
	removed       = regexp.MustCompile(` postfix/qmgr\[\d+\]: (\w+): removed$`)
	unreasonable  = regexp.MustCompile(` postfix/cleanup\[\d+\]: warning: (\w+): (unreasonable \S+ (?:map \S+(?: size)?|result))(?: for)? (.*?) -- message not accepted`)
	lookupProblem = regexp.MustCompile(` postfix/cleanup\[\d+\]: warning: (\w+): \S+ map lookup problem for .* -- message not accepted`)
	ended         = regexp.MustCompile(` postfix/(\S+?)(?:/discard)?\[\d+\]: (\w+): to=<(.*?)>, (?:orig_to=<(.*?)>, )?relay=.*?, dsn=(\S+), status=(\S+) \((.*)\)$`)
)

// read takes a line of the log, and reports whether it is about the message.
func (v *verification) read(line string) bool {
	if v.id == "" {
		if m := queued.FindStringSubmatch(line); m != nil {
			v.id = m[1]
		}
		return v.id != ""
	}
	if !strings.Contains(line, v.id) {
		return false
	}
	if m := ended.FindStringSubmatch(line); m != nil && m[2] == v.id {
		original := m[4]
		if original == "" {
			original = m[3]
		}
		v.add(original, End{To: m[3], Agent: m[1], DSN: m[5], Status: m[6], Text: m[7]})
	}
	if m := unreasonable.FindStringSubmatch(line); m != nil && m[1] == v.id {
		v.refused, v.done = true, true
		v.add(m[3], End{To: m[3], Agent: "cleanup", Status: loop, DSN: "4.3.0", Text: m[2]})
	}
	if m := removed.FindStringSubmatch(line); m != nil && m[1] == v.id {
		v.done = true
	}
	return true
}

// add adds an end to the addresses that the log means.
func (v *verification) add(original string, end End) {
	addrs := v.asked[mailaddr.Lower(original)]
	if addrs == nil && v.only != "" {
		addrs = []string{v.only}
	}
	for _, addr := range addrs {
		if !slices.Contains(v.ends[addr], end) {
			v.ends[addr] = append(v.ends[addr], end)
		}
	}
}

// emptyMaildrop takes away the message that cleanup(8) has refused: pickup(8) would give
// it to cleanup(8) again and again.
func (p *Instance) emptyMaildrop() error {
	dir := filepath.Join(p.o.Folder, "queue", "maildrop")
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.Remove(filepath.Join(dir, file.Name())); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
