package regular

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"empty": "", "ten": "0123456789", "secret": "s"} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		os.Mkdir(at("folder"), 0o700),
		syscall.Mkfifo(at("pipe"), 0o600),
		os.Symlink("ten", at("link")),
		os.Symlink("pipe", at("link to a pipe")),
		os.Symlink("circle", at("circle")),
	); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, test := range []struct {
		name, path string
		limit      int64
		want       string
		err        error
	}{
		{"reads an empty file", at("empty"), 10, "", nil},
		{"reads an empty file where nothing may be read", at("empty"), 0, "", nil},
		{"reads a file that is as long as the limit", at("ten"), 10, "0123456789", nil},
		{"refuses one byte more", at("ten"), 9, "", ErrTooLarge},
		{"follows a link", at("link"), 10, "0123456789", nil},
		{"refuses a folder", at("folder"), 10, "", ErrNotRegular},
		{"refuses a pipe without waiting for its writer", at("pipe"), 10, "", ErrNotRegular},
		{"refuses a link to a pipe", at("link to a pipe"), 10, "", ErrNotRegular},
		{"refuses a socket", at("socket"), 10, "", ErrNotRegular},
		{"refuses a device that never ends", "/dev/zero", 10, "", ErrNotRegular},
		{"refuses a device that is at its end", "/dev/null", 10, "", ErrNotRegular},
		{"says that there is no such file", at("none"), 10, "", fs.ErrNotExist},
		{"says that links go in a circle", at("circle"), 10, "", syscall.ELOOP},
	} {
		t.Run(test.name, func(t *testing.T) {
			began := time.Now()
			content, err := Read(test.path, test.limit)
			if string(content) != test.want || !errors.Is(err, test.err) {
				t.Errorf("Read(%q, %d) = %q, %v; want %q, %v", test.path, test.limit, content, err, test.want, test.err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestReadWhatHasNoSize(t *testing.T) {
	const path = "/proc/self/status"
	if _, err := os.Stat(path); err != nil {
		t.Skip("there is no /proc here")
	}
	if content, err := Read(path, MaxBytes); err != nil || len(content) == 0 {
		t.Errorf("Read(%q) = %d bytes, %v", path, len(content), err)
	}
	if _, err := Read(path, 16); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Read(%q) of 16 bytes: %v", path, err)
	}
}

// endless is a stream of zeros without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }

func TestReadStream(t *testing.T) {
	if text, err := ReadStream(strings.NewReader("0123456789"), "stdin", 10); err != nil || string(text) != "0123456789" {
		t.Errorf("ReadStream of 10 bytes: %q, %v", text, err)
	}
	var in endless
	if text, err := ReadStream(&in, "stdin", 10_000); !errors.Is(err, ErrTooLarge) || text != nil || in.read > 40_000 {
		t.Errorf("ReadStream of what never ends: %d bytes, %v, with %d read", len(text), err, in.read)
	}
	broken := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("text")))
	if _, err := ReadStream(broken, "stdin", 10); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("ReadStream of what cannot be read: %v", err)
	}
}

func TestOpenIn(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "zones")
	if err := errors.Join(
		os.Mkdir(folder, 0o700),
		os.WriteFile(filepath.Join(folder, "inside"), []byte("text"), 0o600),
		os.WriteFile(filepath.Join(dir, "outside"), []byte("secret"), 0o600),
		os.Symlink("../outside", filepath.Join(folder, "link")),
		syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, want := range map[string]string{
		"inside": "", "pipe": "no regular file", "link": "escapes", "../outside": "escapes", "none": "no such file",
	} {
		file, err := OpenIn(root, name)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("OpenIn(%q): %v, want %q", name, err, want)
		}
		if err == nil {
			file.Close()
		}
	}
}

func TestTooLargeNamesTheLimit(t *testing.T) {
	for limit, want := range map[int64]string{
		MaxBytes: `"a" is too large: the most that is read is 256 MiB`,
		10:       `"a" is too large: the most that is read is 10 bytes`,
	} {
		if got := TooLarge("a", limit).Error(); got != want {
			t.Errorf("TooLarge(%d) = %s, want %s", limit, got, want)
		}
	}
}
