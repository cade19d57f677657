package route

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mta/postfix/table"
)

// deliver returns the ends of a recipient of a message. delivered are the local
// addresses, folded, that the message went through already (its Delivered-To: headers).
func (w *walk) deliver(addr string, delivered []string) []string {
	t := w.resolve(addr)
	switch {
	case t.bad, t.failed:
		return nil
	case t.class == localClass && strings.EqualFold(t.addr[:strings.LastIndexByte(t.addr, '@')], w.r.doubleBounce):
		return nil
	case slices.Contains(w.r.deferred, t.transport):
		return nil
	}
	switch t.transport {
	case "error", "retry", "discard":
		return nil
	case "local":
		run := &localRun{walk: w, transport: t.transport, delivered: delivered, seen: map[string]bool{}}
		run.recipient(localState{address: t.addr})
		return run.ends
	case "virtual":
		return w.mailbox(t.addr)
	}
	return []string{quote(t.addr, false)}
}

// mailbox returns the file of an address of virtual(8); nothing if the mail bounces or
// waits.
func (w *walk) mailbox(addr string) []string {
	if !strings.HasPrefix(w.r.mailboxBase, "/") {
		return nil // virtual(8) ends at once
	}
	addr = table.Fold(addr)
	file, _, ok, err := w.look(w.r.mailboxMaps, addr, asKnown)
	if err != nil || !ok {
		return nil
	}
	if !w.atLeast(w.r.uids, addr, w.r.minimumUID) || !w.atLeast(w.r.gids, addr, 1) {
		return nil
	}
	clean := path.Clean("/" + w.r.mailboxBase + "/" + file)
	if strings.HasSuffix(file, "/") && clean != "/" {
		clean += "/"
	}
	return []string{clean}
}

// atLeast reports whether an address has an ID that is not below a limit.
func (w *walk) atLeast(m *maps, addr string, least int) bool {
	value, _, ok, err := w.look(m, addr, asKnown)
	if err != nil || !ok {
		return false
	}
	digits := strings.TrimLeft(value, " \t")
	end := 0
	for end < len(digits) && digits[end] >= '0' && digits[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(digits[:end])
	return n >= least
}
