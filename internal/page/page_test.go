package page

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

var update = flag.Bool("update", os.Getenv("VIRTMAP_UPDATE") != "", "rewrite the goldens")

// written returns a document as HTML.
func written(t testing.TB, d *Document) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := d.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// example returns the document of the shipped example.
func example(t *testing.T) *Document {
	t.Helper()
	text, err := os.ReadFile("../../testdata/example/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return document(sound(t, string(text)))
}

// sound compiles an inventory that must have no faults.
func sound(t *testing.T, text string) mta.Build {
	t.Helper()
	source, ok := compiled(text, servers.All[0])
	if !ok {
		t.Fatalf("the inventory has faults:\n%s", text)
	}
	return source
}

// checks are findings and verdicts with the texts of a caller.
func checks(text string) (findings []diag.Located, verdicts *hostnames.Memory) {
	check := &diag.Check{ID: "VM999", Name: "an-example", Severity: diag.Warning}
	findings = []diag.Located{{Fault: diag.Fault{Check: check, Text: text, Help: text}, Severity: diag.Warning, At: diag.Place{File: "mail.yaml" + text, Line: 3, Col: 5}}}
	day := time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)
	return findings, &hostnames.Memory{Version: 1, Domains: map[string]*hostnames.Remembered{
		"fakemail.example": {Verdict: "error", ID: "MX010", Text: "no MX leads here" + text, Advice: "publish: fakemail.example. MX 10 mx1.example.net." + text,
			Records: []string{"fakemail.example. MX 10 other.example." + text}, Checked: day},
		"partners.example": {Served: true, Verdict: "ok", ID: "MX001", Text: "fine", Checked: day},
	}}
}

// TestExample compares the data of the shipped example, and the document around it.
func TestExample(t *testing.T) {
	d := example(t)
	d.Findings, d.Verdicts = checks("")
	head, rows, _ := strings.Cut(data(t, d), "\n")
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(head), "", " "); err != nil {
		t.Fatal(err)
	}
	shell := string(written(t, d))
	for _, part := range []string{"style", "script"} {
		shell = regexp.MustCompile(`(?s)(<`+part+`[^>]*>).*?(</`+part+`>)`).ReplaceAllString(shell, "$1…$2")
	}
	shell = regexp.MustCompile(`sha256-.*?&#39;`).ReplaceAllString(shell, "sha256-…&#39;")
	got := shell + "\n" + indented.String() + "\n" + rows
	const path = "testdata/example.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: -update rewrites it; now it is\n%s", path, got)
	}
}

// TestSameInputSameBytes: a page has no time in it, and no order of a map.
func TestSameInputSameBytes(t *testing.T) {
	first, second := example(t), example(t)
	first.Findings, first.Verdicts = checks("")
	second.Findings, second.Verdicts = checks("")
	if !bytes.Equal(written(t, first), written(t, second)) {
		t.Error("two pages of one inventory differ")
	}
}

// element returns the text of the elements of a document that begin with a tag.
func elements(html, tag, end string) (all []string) {
	for _, part := range strings.Split(html, tag)[1:] {
		text, _, _ := strings.Cut(part, end)
		all = append(all, text)
	}
	return all
}

// TestPolicyAllowsTheScriptAlone compares the hashes of the policy with the elements.
func TestPolicyAllowsTheScriptAlone(t *testing.T) {
	html := string(written(t, example(t)))
	scripts := elements(html, "<script>", "</script>")
	styles := elements(html, "<style>", "</style>")
	if len(scripts) != 1 || len(styles) != 1 || strings.Count(html, "<script") != 2 {
		t.Fatalf("%d scripts, %d styles, and %d with the data", len(scripts), len(styles), strings.Count(html, "<script"))
	}
	policy := strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(elements(html, `content="default-src`, `"`)[0])
	want := " 'none'; script-src '" + hash(scripts[0]) + "'; style-src '" + hash(styles[0]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
	if policy != want {
		t.Errorf("the policy is\n%s\nand not\n%s", policy, want)
	}
	if strings.Index(html, "Content-Security-Policy") > strings.Index(html, "<style>") {
		t.Error("the policy comes behind the style")
	}
}

// TestScriptMakesNoMarkup: the script has no way to make elements or code of a text.
func TestScriptMakesNoMarkup(t *testing.T) {
	code, err := script()
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "createContextualFragment", "setHTML",
		"eval(", "new Function", "setTimeout(\"", "javascript:", "fetch(", "XMLHttpRequest", "WebSocket", "import(", "</script", "<!--", "srcdoc", ".src"} {
		if strings.Contains(code, word) {
			t.Errorf("the script has %q", word)
		}
	}
	if !strings.Contains(code, "class Inventory") || !strings.Contains(code, "createTextNode") && !strings.Contains(code, "append(") {
		t.Error("this is not the script")
	}
}

// hostile is an inventory with markup wherever a text may be free.
const hostile = `version: 1
host: {name: mx1.example.net}
users:
  andrei:
  "<b>": {mailbox: "/srv/<img src=x onerror=alert(1)>"}
  bea: {mailbox: "/srv/</script><script>window.done=1</script>"}
domains:
  fakemail.example:
    note: "</script><script>window.done=1</script>"
    x-note: "<img src=x onerror=window.done=1>"
    addresses:
      info: [andrei, bea]
      o'brien: andrei
      "a&b{}": bea
      gone: {reject: "<img src=x onerror=window.done=1></script><script>window.done=1</script>"}
`

// evil is markup for texts that are not from an inventory.
const evil = `</script><script>window.done=1</script><img src=x onerror="window.done=1">'"&{{.}}` + "\u202e\x1b]0;x\x07"

func hostileDocument(t *testing.T) *Document {
	t.Helper()
	m, faults := inventory.Parse(evil, strings.ReplaceAll(hostile, "  \"<b>\": {mailbox: \"/srv/<img src=x onerror=alert(1)>\"}\n", ""))
	source := servers.All[0].Compile(m, faults)
	d := document(source)
	m.Users[0].Mailbox.Text = "/srv/" + evil
	d.Findings, d.Verdicts = checks(evil)
	return d
}

// TestTextsStayTexts: no text of an inventory, a finding or a verdict is in the document
// as markup.
func TestTextsStayTexts(t *testing.T) {
	html := string(written(t, hostileDocument(t)))
	data := elements(html, `id="data">`, "</script>")
	if len(data) != 1 || len(data[0]) < 100 || strings.Trim(data[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != "" {
		t.Error("the data are not base64")
	}
	shell := strings.NewReplacer(data[0], "", elements(html, "<script>", "</script>")[0], "").Replace(html)
	for _, text := range []string{"onerror", "window.done", "<img", "\x1b", "\u202e"} {
		if strings.Contains(shell, text) {
			t.Errorf("the document has %q", text)
		}
	}
	if n := strings.Count(html, "</script"); n != 2 {
		t.Errorf("the document ends %d scripts", n)
	}
}

// TestHostNameIsEscaped: the name of the host is the one text of an inventory outside of
// the data.
func TestHostNameIsEscaped(t *testing.T) {
	d := example(t)
	d.Model.Host.Name.Text = `<script>window.done=1</script>`
	if html := string(written(t, d)); strings.Contains(html, "<script>window.done") || !strings.Contains(html, "&lt;script&gt;window.done") {
		t.Error("the name of the host is not escaped")
	}
}

// TestTooManyAddresses: beyond the limit a page says so, and has no addresses.
func TestTooManyAddresses(t *testing.T) {
	d := example(t)
	d.MaxRows = 20
	text := data(t, d)
	if strings.Contains(text, "partner.example") || !strings.Contains(text, `"cut":"With copies these are 31 addresses`) {
		t.Errorf("the data are\n%s", text)
	}
	html := string(written(t, d))
	if !strings.Contains(html, "ask virtmap lookup") || strings.Contains(html, `id="q"`) {
		t.Error("the page does not say that it has no addresses")
	}
}

// large returns the page of many addresses.
func large(t testing.TB, n int) []byte {
	t.Helper()
	var text strings.Builder
	if err := sample.Large(&text, n); err != nil {
		t.Fatal(err)
	}
	source, ok := compiled(text.String(), servers.All[0])
	if !ok {
		t.Fatal("the inventory has faults")
	}
	return written(t, document(source))
}
