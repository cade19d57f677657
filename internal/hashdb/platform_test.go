package hashdb

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

// TestSums compares the bytes of a few files with digests that are the same on
// every platform.
func TestSums(t *testing.T) {
	var got strings.Builder
	for _, n := range []int{0, 1, 100, 5_000} {
		file := encode(t, randomRows(rand.New(rand.NewPCG(uint64(n), 9)), n))
		fmt.Fprintf(&got, "%x  %d rows\n", sha256.Sum256(file), n)
	}
	const path = "testdata/sums.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the bytes changed:\n%s", got.String())
	}
}

// TestSumsOnOtherProcessors runs TestSums under emulation on other processors,
// of which one is big-endian.
func TestSumsOnOtherProcessors(t *testing.T) {
	for arch, emulator := range map[string]string{"arm64": "qemu-aarch64-static", "s390x": "qemu-s390x-static"} {
		qemu := peer.Find(t, emulator)
		program := filepath.Join(t.TempDir(), "hashdb.test")
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
