package peer

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// SPFRoot returns the folder below which Debian's package python3-spf is unpacked. It is not
// installed, because documents are often left out then.
func SPFRoot(t testing.TB) string {
	t.Helper()
	root := os.Getenv("VIRTMAP_SPF")
	if root == "" {
		Skip(t, "VIRTMAP_SPF does not name a folder with python3-spf unpacked")
	}
	if _, err := os.Stat(filepath.Join(root, "usr/lib/python3/dist-packages/spf.py")); err != nil {
		Skip(t, "%v", err)
	}
	return root
}

// SPFSuite returns the public test suite of RFC 7208, which is YAML. It is a document of
// python3-spf.
func SPFSuite(t testing.TB) []byte {
	t.Helper()
	file, err := os.Open(filepath.Join(SPFRoot(t), "usr/share/doc/python3-spf/rfc7208-tests.yml.gz"))
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

// pyspfSource is a program that asks pyspf. Its input and its output are JSON: a list of
// zones with their questions, and the results with their reasons.
const pyspfSource = `
import json, socket, sys, types
stub = types.ModuleType("DNS")
stub.Type, stub.DNSError, stub.DiscoverNameServers = types.SimpleNamespace(SPF=99), OSError, lambda: None
sys.modules["DNS"] = stub
sys.path.insert(0, sys.argv[1])
import spf

zone = {}

def lookup(name, qtype, strict=True, timeout=None):
    name = ".".join(label for label in name.split(".") if label).lower()
    if any(len(label) > 63 for label in name.split(".")):
        raise spf.TempError("a long label")
    for kind, value in zone.get(name, []):
        if kind != qtype:
            continue
        if kind == "AAAA":
            value = socket.inet_pton(socket.AF_INET6, value)
        elif kind == "TXT":
            value = (value.encode(),)
        elif kind == "MX":
            value = (10, value)
        yield ((name, kind), value)

spf.DNSLookup = lookup
results = []
for case in json.load(sys.stdin):
    zone = case["zone"]
    for ip, sender, helo in case["questions"]:
        result, _, why = spf.query(i=ip, s=sender, h=helo, receiver="unknown", strict=1).check()
        results.append([result, why])
json.dump(results, sys.stdout)
`

// A PyspfCase is a zone with questions for pyspf.
type PyspfCase struct {
	Zone      map[string][][2]string `json:"zone"`      // by name: types and values
	Questions [][3]string            `json:"questions"` // address, sender, HELO
}

// Pyspf asks pyspf, and returns the result and the reason for each question.
func Pyspf(t testing.TB, cases []PyspfCase) (answers [][2]string) {
	t.Helper()
	python := Find(t, "python3")
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	out := Run(t, string(input), python, "-c", pyspfSource, filepath.Join(SPFRoot(t), "usr/lib/python3/dist-packages"))
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}
