package program

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A delivery is a line of the log about one copy of a message.
var delivery = regexp.MustCompile(`(?m) (mda|mta) delivery evpid=([0-9a-f]{8})[0-9a-f]{8} from=<[^>]*> to=<(.*?)> rcpt=<.*?> .*?\bresult=`)

// patience is how long no further copy may end until it is an error.
const patience = 20 * time.Second

// delivered waits until all messages have left the queue, and returns the recipients of
// each, by number.
func (s *Server) delivered(ctx context.Context, messages []string) (map[string][]string, error) {
	for seen, moved := -1, time.Now(); ; time.Sleep(50 * time.Millisecond) {
		waiting, err := s.queued() // before the log is read, which has what has left
		if err != nil {
			return nil, err
		}
		text, err := os.ReadFile(s.path("log"))
		if err != nil {
			return nil, err
		}
		ends, copies := s.ends(string(text))
		missing := slices.ContainsFunc(messages, func(m string) bool { return m != "" && ends[m] == nil })
		switch {
		case waiting == 0 && !missing:
			return ends, nil
		case copies != seen:
			seen, moved = copies, time.Now()
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case time.Since(moved) > patience:
			return nil, fmt.Errorf("%d files are still in the queue: %s", waiting, s.lastLines())
		}
	}
}

// queued returns the number of files in the queue.
func (s *Server) queued() (n int, err error) {
	for _, folder := range []string{"incoming", "queue"} {
		err = filepath.WalkDir(s.path("spool/"+folder), func(_ string, d os.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil // it left while the folder was read
			}
			if err == nil && d.Type().IsRegular() {
				n++
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// ends returns the recipients of each message in a log, and the number of copies.
func (s *Server) ends(log string) (ends map[string][]string, copies int) {
	ends = map[string][]string{}
	for _, found := range delivery.FindAllStringSubmatch(log, -1) {
		copies++
		ends[found[2]] = append(ends[found[2]], s.end(found[1], found[3]))
	}
	for message, all := range ends {
		slices.Sort(all)
		ends[message] = slices.Compact(all)
	}
	return ends, copies
}

// end returns the recipient of a copy: an address at another server, the path of a mailbox
// elsewhere, or a local part.
func (s *Server) end(by, to string) string {
	at := strings.LastIndexByte(to, '@')
	switch domain := to[at+1:]; {
	case by == "mta":
		return to
	case domain == "mailbox.virtmap.invalid" || domain == "mbox.virtmap.invalid":
		return s.Mailbox(to[:at])
	}
	return to[:at]
}
