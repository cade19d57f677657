package program_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"virtmap/internal/workshop/peer"
)

// A syslog keeps what the programs of a namespace log.
type syslog struct {
	*testing.T
	mu    sync.Mutex
	lines []string
}

// newSyslog gives the namespace a /dev of its own, with a log.
func newSyslog(t *testing.T) *syslog {
	t.Helper()
	dev := filepath.Join(peer.SafeDir(t), "dev")
	peer.Run(t, "", "mkdir", dev)
	for _, device := range []string{"null", "zero", "full", "random", "urandom"} {
		peer.Run(t, "", "touch", filepath.Join(dev, device))
		peer.Bind(t, filepath.Join("/dev", device), filepath.Join(dev, device))
	}
	peer.Run(t, "", "cp", "-a", "/dev/fd", dev)
	peer.Run(t, "", "mount", "--rbind", dev, "/dev")
	log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/dev/log", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	peer.Run(t, "", "chmod", "666", "/dev/log")
	l := &syslog{T: t}
	go l.keep(log)
	return l
}

func (l *syslog) keep(log *net.UnixConn) {
	buffer := make([]byte, 64<<10)
	for {
		n, _, err := log.ReadFrom(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		l.lines = append(l.lines, string(buffer[:n]))
		l.mu.Unlock()
	}
}

// all is what was logged before the call. A line of its own, which comes behind
// the others, tells when they are here.
func (l *syslog) all() []string {
	conn, err := net.Dial("unixgram", "/dev/log")
	if err != nil {
		l.Error(err)
		return nil
	}
	defer conn.Close()
	mark := fmt.Sprintf("mark %d", time.Now().UnixNano())
	if _, err := conn.Write([]byte(mark)); err != nil {
		l.Error(err)
	}
	for range 1000 {
		l.mu.Lock()
		lines := l.lines
		l.mu.Unlock()
		for i := len(lines) - 1; i >= 0; i-- {
			if lines[i] == mark {
				return lines[:i]
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.Error("the log does not come")
	return nil
}

// renamed is how often sendmail has found another file under a map's name than a
// moment before. It looks at the name, opens it, locks it, opens it again and
// compares, so that a rename in between makes this one session go without the map:
// a tenth of a millisecond around each rename (publish, step.underLock).
func (l *syslog) renamed() (n int) {
	for _, line := range l.all() {
		if strings.Contains(line, ": file changed after ") {
			n++
		}
	}
	return n
}
