package peer

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// SPFSuite returns the public test suite of RFC 7208, which is YAML. Debian's package
// python3-spf has it among its documents. As documents are often not installed, the package
// is unpacked into the folder of VIRTMAP_SPF.
func SPFSuite(t testing.TB) []byte {
	t.Helper()
	root := os.Getenv("VIRTMAP_SPF")
	if root == "" {
		Skip(t, "VIRTMAP_SPF does not name a folder with python3-spf unpacked")
	}
	file, err := os.Open(filepath.Join(root, "usr/share/doc/python3-spf/rfc7208-tests.yml.gz"))
	if err != nil {
		Skip(t, "%v", err)
	}
	defer file.Close()
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
