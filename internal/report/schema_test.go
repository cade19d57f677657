package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"virtmap/internal/diag"
	"virtmap/internal/workshop/peer"
)

// reports returns reports in a format: with faults of all kinds, and without any.
func reports(t *testing.T, format string) [][]byte {
	t.Helper()
	var all [][]byte
	for _, faults := range [][]diag.Located{located(t, "mail dir/ma%il,1:2.yaml", wrong), located(t, "mail.yaml", "version: 2\n"), nil} {
		var out bytes.Buffer
		if err := Findings[format](&out, faults, "1.0"); err != nil {
			t.Fatal(err)
		}
		all = append(all, out.Bytes())
	}
	return all
}

// TestFindingsMeetTheirSchemas validates reports with the schemas of
// testdata/schema, which has their sources too.
func TestFindingsMeetTheirSchemas(t *testing.T) {
	for format, schema := range map[string]string{"sarif": "sarif-2.1.0-rtm.5.json", "gitlab": "codequality.json"} {
		compiled, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "schema", schema))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range reports(t, format) {
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(document); err != nil {
				t.Errorf("%s: %v\n%s", format, err, text)
			}
		}
		if compiled.Validate(map[string]any{"runs": 1}) == nil {
			t.Errorf("%s takes anything", schema)
		}
	}
}

func TestXMLFindingsMeetTheirSchemas(t *testing.T) {
	xmllint := peer.Find(t, "xmllint")
	for format, schema := range map[string]string{"junit": "junit-4.xsd", "checkstyle": "checkstyle.xsd"} {
		valid := func(text []byte) (string, error) {
			file := filepath.Join(t.TempDir(), "report.xml")
			if err := os.WriteFile(file, text, 0o644); err != nil {
				t.Fatal(err)
			}
			out, errOut, err := peer.Try("", xmllint, "--noout", "--schema", filepath.Join("testdata", "schema", schema), file)
			return out + errOut, err
		}
		for _, text := range reports(t, format) {
			if said, err := valid(text); err != nil {
				t.Errorf("%s: %s\n%s", format, said, text)
			}
			other := strings.NewReplacer(" name=", " nome=", " version=", " vorsion=").Replace(string(text))
			if _, err := valid([]byte(other)); err == nil {
				t.Errorf("%s takes anything:\n%s", schema, other)
			}
		}
	}
}
