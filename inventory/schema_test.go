package inventory_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

func compiled(t testing.TB, included bool) *jsonschema.Schema {
	t.Helper()
	return part(t, included, "")
}

// part compiles the part of the schema at a JSON pointer.
func part(t testing.TB, included bool, pointer string) *jsonschema.Schema {
	t.Helper()
	text, err := inventory.Schema(included)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("inventory.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("inventory.json" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// asJSON returns what an editor compares with the schema. It reads YAML by the usual
// rules: no is a text, 1234 a number and null nothing.
func asJSON(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return asJSON(n.Content[0])
	case yaml.AliasNode:
		return asJSON(n.Alias)
	case yaml.MappingNode:
		all := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			all[n.Content[i].Value] = asJSON(n.Content[i+1])
		}
		return all
	case yaml.SequenceNode:
		all := []any{}
		for _, item := range n.Content {
			all = append(all, asJSON(item))
		}
		return all
	}
	var value any
	if n.ShortTag() == "!!timestamp" || n.Decode(&value) != nil {
		return n.Value
	}
	if f, ok := value.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
		return n.Value
	}
	return value
}

// structural are the checks that a schema can express. The other checks look at more
// than one value, or at the characters of a value.
var structural = []string{"VM004", "VM005"}

// agree compares the schema with the reader for one inventory.
func agree(t *testing.T, schema *jsonschema.Schema, name, text string) {
	t.Helper()
	var node yaml.Node
	if yaml.Unmarshal([]byte(text), &node) != nil || node.Kind == 0 || anyAlias(&node) {
		return // an editor has no YAML either; aliases of aliases would be billions of values
	}
	_, faults := inventory.Parse(name, text)
	failed, shapes := false, []string{}
	for _, f := range faults.Faults() {
		if f.Check.ID == "VM003" || f.Check.ID == "VM002" {
			return // the reader did not look at what the schema reports
		}
		failed = failed || f.Check.Severity.String() == "error"
		if slices.Contains(structural, f.Check.ID) {
			shapes = append(shapes, f.Text)
		}
	}
	problem := schema.Validate(asJSON(&node))
	switch {
	case problem != nil && !failed:
		t.Errorf("%s: the schema refuses what the reader takes: %v\n%s", name, problem, text)
	case problem == nil && len(shapes) > 0:
		t.Errorf("%s: the schema takes what the reader refuses: %q\n%s", name, shapes, text)
	}
}

func anyAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, anyAlias)
}

// TestSchemaAgreesWithTheReader reads all good and bad inventories of the tests, and
// samples.
func TestSchemaAgreesWithTheReader(t *testing.T) {
	schema := compiled(t, false)
	for _, folder := range []string{"example", "good", "bad", "newcomer"} {
		files, err := filepath.Glob("../testdata/" + folder + "/*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("no inventories in %s", folder)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, schema, file, string(text))
		}
	}
	r := rand.New(rand.NewPCG(1, 7))
	for range 300 {
		text := sample.Inventory(r, "/etc/mail", "hash")
		agree(t, schema, "sample", text)
		agree(t, schema, "a damaged sample", damaged(r, text))
	}
}

// damaged moves or misspells a part of an inventory.
func damaged(r *rand.Rand, text string) string {
	lines := strings.Split(text, "\n")
	i, j := r.IntN(len(lines)), r.IntN(len(lines))
	switch r.IntN(4) {
	case 0:
		lines[i] = strings.Replace(lines[i], "s: ", "z: ", 1)
	case 1:
		lines[i], lines[j] = lines[j], lines[i]
	case 2:
		lines[i] = "  " + lines[i]
	default:
		lines[i] = strings.Replace(lines[i], ": ", ": [], other: ", 1)
	}
	return strings.Join(lines, "\n")
}

// TestSchemaOfIncludedFiles accepts exactly the keys of an included file.
func TestSchemaOfIncludedFiles(t *testing.T) {
	schema := compiled(t, true)
	for text, good := range map[string]bool{
		"users: {bea: }": true, "domains: {a.example: {addresses: {info: bea}}}": true, "x-team: [a]": true,
		"version: 1": false, "include: [x.yaml]": false, "users: [bea]": false,
	} {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(text), &node); err != nil {
			t.Fatal(err)
		}
		if problem := schema.Validate(asJSON(&node)); (problem == nil) != good {
			t.Errorf("%s: %v", text, problem)
		}
	}
}

// TestEveryKeyIsInTheSchema: the schema has every key, with an example that it accepts.
func TestEveryKeyIsInTheSchema(t *testing.T) {
	for _, section := range inventory.Sections() {
		at := "#/definitions/" + section.Name
		if section.Name == "top" || section.Name == "included" {
			at = "#"
		}
		for _, key := range section.Keys {
			var node yaml.Node
			if err := yaml.Unmarshal([]byte(key.Example), &node); err != nil {
				t.Fatal(err)
			}
			schema := part(t, section.Name == "included", at+"/properties/"+key.Name)
			if problem := schema.Validate(asJSON(&node)); problem != nil {
				t.Errorf("%s of %s: %v", key.Name, section.Name, problem)
			}
		}
	}
}

func FuzzSchema(f *testing.F) {
	for _, pattern := range []string{"../testdata/good/*.yaml", "../testdata/bad/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && len(text) < 4000 {
				f.Add(string(text))
			}
		}
	}
	schema := compiled(f, false)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 20_000 {
			agree(t, schema, "fuzz", text)
		}
	})
}
