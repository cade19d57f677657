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

// A syslog has the log of the programs in a namespace.
type syslog struct {
	*testing.T
	mu    sync.Mutex
	lines []string
}

// newSyslog mounts a /dev with a log in the namespace.
func newSyslog(t *testing.T) *syslog {
	t.Helper()
	dev := filepath.Join(peer.SafeDir(t), "dev")
	peer.Run(t, "", "mkdir", dev)
	mounted := []string{"/dev"}
	for _, device := range []string{"null", "zero", "full", "random", "urandom"} {
		place := filepath.Join(dev, device)
		peer.Run(t, "", "touch", place)
		peer.Bind(t, filepath.Join("/dev", device), place)
		mounted = append(mounted, place)
	}
	peer.Run(t, "", "cp", "-a", "/dev/fd", dev)
	peer.Run(t, "", "mount", "--rbind", dev, "/dev")
	t.Cleanup(func() { peer.Run(t, "", "umount", append([]string{"-l"}, mounted...)...) }) // so that the folder can be removed
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

// all returns the log up to the call. It logs a line itself: when this line has come, all
// lines before have come too.
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

// renamed returns how often sendmail has found another file under the name of a map than
// just before. sendmail checks the name, opens the file, locks it, opens it again and
// compares. A rename in between leaves this session without the map. This can happen in a
// tenth of a millisecond around each rename (publish, step.underLock).
func (l *syslog) renamed() (n int) {
	for _, line := range l.all() {
		if strings.Contains(line, ": file changed after ") {
			n++
		}
	}
	return n
}
