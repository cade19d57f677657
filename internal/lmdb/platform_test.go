package lmdb

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// TestSums compares the bytes of a few files with digests that are the same on every
// platform.
func TestSums(t *testing.T) {
	var got strings.Builder
	for _, format := range []Format{Format1, Format3} {
		for _, n := range []int{0, 1, 100, 5_000} {
			file := encode(t, randomRows(rand.New(rand.NewPCG(uint64(n), 9)), n), format)
			fmt.Fprintf(&got, "%x  version %d, %d rows\n", sha256.Sum256(file), format.version, n)
		}
	}
	golden(t, "testdata/sums.txt", got.String())
}

// TestSumsOnOtherProcessors runs TestSums under emulation on other processors, of which
// one is big-endian.
func TestSumsOnOtherProcessors(t *testing.T) {
	for arch, emulator := range map[string]string{"arm64": "qemu-aarch64-static", "s390x": "qemu-s390x-static"} {
		qemu := peer.Find(t, emulator)
		program := filepath.Join(t.TempDir(), "lmdb.test")
		build := exec.Command("go", "test", "-c", "-o", program, ".")
		build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", arch, err, out)
		}
		out, errOut, err := peer.Try("", qemu, program, "-test.run", "^TestSums$|^TestGoldenOfTwoRows$", "-test.v")
		if err != nil || !strings.Contains(out, "--- PASS: TestSums") {
			t.Errorf("%s: %v\n%s%s", arch, err, out, errOut)
		}
	}
}
