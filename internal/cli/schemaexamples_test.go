package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/inventory"
)

// around are the smallest inventories around a key of each section. KEY stands for the key
// with its example.
var around = map[string]string{
	"top":        "KEY",
	"included":   "include: [part/*.yaml]",
	"host":       "host: {KEY}",
	"defaults":   "defaults: {KEY}",
	"user":       "users: {andrei: , bea: , carol: {KEY}}",
	"domain":     "domains: {fakemail.example: {addresses: {fake: andrei}}, other.example: {KEY}}",
	"address":    "domains: {fakemail.example: {addresses: {fake: andrei, one: {KEY}}}}",
	"catch_all":  "domains: {fakemail.example: {addresses: {fake: andrei}, catch_all: {KEY}}}",
	"refusal":    "domains: {fakemail.example: {addresses: {fake: andrei, old: {reject: {KEY}}}}}",
	"guards":     "guards: {KEY}",
	"mx":         "mx: {KEY}",
	"sends":      "domains: {fakemail.example: {sends: {KEY}, addresses: {fake: andrei}}}",
	"submission": "submission: {KEY}\n" + sendingDomain,
	"outcome":    "domains: {fakemail.example: {addresses: {fake: andrei, old: reject, busy: defer}}}\ntests: {ADDRESS@fakemail.example: {KEY}}",
}

// sendingDomain is a domain from whose address mail is sent.
const sendingDomain = "domains: {fakemail.example: {sends: yes, addresses: {fake: andrei}}}"

// aroundKey is what is around a key that needs another inventory than those of its section.
var aroundKey = map[string]string{
	"top submission":  "KEY\n" + sendingDomain,
	"user sends_as":   "users: {andrei: {KEY}}\nsubmission: {rewrite: msp}\n" + sendingDomain,
	"address senders": "domains: {fakemail.example: {sends: yes, addresses: {fake: andrei, one: {KEY}}}}",
}

// beside are the keys that a key needs beside it.
var beside = map[string]string{
	"user keep_copy":       "forward: carol@elsewhere.example",
	"user uid":             "mailbox: /srv/mail/carol",
	"user gid":             "mailbox: /srv/mail/carol, uid: 1002",
	"address bounces_to":   "to: [andrei, bea]",
	"address detail":       "to: andrei",
	"address enabled":      "to: andrei",
	"address senders":      "to: andrei",
	"domain senders":       "sends: yes",
	"catch_all bounces_to": "to: [andrei, bea]",
}

// usual has the parts that an inventory needs, by their keys.
var usual = []struct{ key, line string }{
	{"version", "version: 1"},
	{"host", "host: {name: mx1.example.net}"},
	{"users", "users: {andrei: , bea: }"},
	{"domains", "domains: {fakemail.example: {addresses: {fake: andrei}}}"},
}

// exampleOf returns the smallest inventory in which a key has its example.
func exampleOf(section string, k inventory.Key) string {
	inner := k.Name + ": " + k.Example
	if more := beside[section+" "+k.Name]; more != "" {
		inner += ", " + more
	}
	if section == "host" && k.Name != "name" {
		inner = "name: mx1.example.net, " + inner
	}
	address := map[string]string{"reject": "old", "defer": "busy"}[k.Name]
	text := strings.NewReplacer("KEY", inner, "ADDRESS", address).Replace(cmp.Or(aroundKey[section+" "+k.Name], around[section])) + "\n"
	for _, u := range usual {
		if !strings.HasPrefix(text, u.key+":") && !strings.Contains(text, "\n"+u.key+":") {
			text = u.line + "\n" + text
		}
	}
	return text
}

// TestExamplesOfKeysAreInventories checks an inventory around the example of every key. No
// error is found. With another value there is one, so that it is the key that is read.
func TestExamplesOfKeysAreInventories(t *testing.T) {
	checked := 0
	for _, section := range inventory.Sections() {
		if around[section.Name] == "" {
			t.Fatalf("there is no inventory around a key of %s", section.Name)
		}
		for _, k := range section.Keys {
			if k.Doc == "" || k.Example == "" {
				t.Errorf("%s of %s has no description or no example", k.Name, section.Name)
				continue
			}
			text := exampleOf(section.Name, k)
			if section.Name != "included" && !strings.Contains(text, k.Name+": "+k.Example) {
				t.Fatalf("%s of %s is not in\n%s", k.Name, section.Name, text)
			}
			if !holdsKey(t, section.Name, k, text) {
				t.Errorf("the example of %s of %s is no inventory:\n%s", k.Name, section.Name, text)
			}
			checked++
		}
	}
	if checked < 50 {
		t.Errorf("only %d keys were checked", checked)
	}
	wrong := inventory.Key{Name: "detail", Example: "drip"}
	for _, section := range []string{"defaults", "domain", "address"} {
		if holdsKey(t, section, wrong, exampleOf(section, wrong)) {
			t.Errorf("of %s no key is read", section)
		}
	}
}

// holdsKey reports whether check finds no error in an inventory, and prints what it finds.
// A key of an included file is in a file beside it.
func holdsKey(t *testing.T, section string, k inventory.Key, text string) bool {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"mail.yaml": text, "domains/more.yaml": "users: {dora: }\n"}
	if section == "included" {
		files["mail.yaml"] = strings.Replace(text, "users: {andrei: , bea: }", "users: {andrei: }", 1)
		files["part/more.yaml"] = k.Name + ": " + k.Example + "\n"
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	code, _, stderr := run("", "check", "-i", filepath.Join(dir, "mail.yaml"))
	if code != exitOK {
		t.Log(stderr)
	}
	return code == exitOK
}

// undescribed returns a line for each property of a schema that has no description of some
// words, or no example, or no form. A mapping of fixed keys has no form.
func undescribed(schema map[string]any, at string) (lines []string) {
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range properties {
		property := value.(map[string]any)
		text, _ := property["description"].(string)
		if name == "note" || name == "profile" {
			continue
		}
		fixed := slices.Contains([]string{"host", "defaults", "guards", "mx", "submission"}, name)
		says, _, formed := strings.Cut(text, "\n\nForm: ")
		if fixed {
			says, _, formed = strings.Cut(text, "\n\nExample: ")
		}
		if len(strings.Fields(says)) < 5 || !formed || !strings.Contains(text, "\n\nExample: "+name+": ") {
			lines = append(lines, fmt.Sprintf("%s%s: %q", at, name, text))
		}
	}
	return lines
}

// TestSchemaDescribesEveryKey: an editor shows what a key does, its form and an example.
func TestSchemaDescribesEveryKey(t *testing.T) {
	for _, included := range []bool{false, true} {
		text, err := inventory.Schema(included)
		if err != nil {
			t.Fatal(err)
		}
		var schema map[string]any
		if err := json.Unmarshal(text, &schema); err != nil {
			t.Fatal(err)
		}
		lines := undescribed(schema, "")
		for name, definition := range schema["definitions"].(map[string]any) {
			d := definition.(map[string]any)
			if d["description"] == nil {
				lines = append(lines, name+" has no description")
			}
			lines = append(lines, undescribed(d, name+" ")...)
		}
		slices.Sort(lines)
		if len(lines) > 0 {
			t.Errorf("no description worth reading:\n%s", strings.Join(lines, "\n"))
		}
	}
}
