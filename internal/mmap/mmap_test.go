package mmap

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func file(t *testing.T, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImageIsTheFile(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcde\n"), 2*pieceSize/16+3)
	for _, content := range [][]byte{nil, []byte("short"), long} {
		image, err := Open(file(t, content))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time after Release
			if !image.Equal(content) {
				t.Errorf("an image of %d bytes is not its file", len(content))
			}
		}
		if len(content) > 0 {
			other := bytes.Clone(content)
			other[len(other)-1]++
			if image.Equal(other) || image.Equal(content[1:]) {
				t.Errorf("an image of %d bytes is another file too", len(content))
			}
		}
		if err := errors.Join(image.Close(), image.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestFileThatIsCutShort(t *testing.T) {
	path := file(t, make([]byte, 1<<20))
	image, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	err = Guard(func() error {
		if image.Bytes[1<<19] != 0 {
			return errors.New("not a zero")
		}
		return nil
	})
	if !errors.Is(err, ErrCut) {
		t.Errorf("reading what is gone: %v", err)
	}
}

func TestOtherFaultsStayPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an index out of range was taken for a file cut short")
		}
	}()
	_ = Guard(func() error { return []error{}[len(os.Args)] })
}

func TestOnlyRegularFiles(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}
