package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// MaxRows is the usual limit for addresses, copies included, beyond which a document
// has no addresses. A browser takes a second and 400 MB for as many.
const MaxRows = 1_000_000

// A Document is what a document says.
type Document struct {
	Model    *inventory.Model // without errors
	Findings []diag.Located
	Verdicts *hostnames.Memory // of the last build; nil: the DNS was not asked

	// Only are the names of the domains that the document is about; nil: all of them.
	Only []string
	// Route returns the outcome of mail for an address, as the server has it.
	Route func(addr string) outcome.Outcome
	// MaxRows is the largest number of addresses, copies included; beyond it the document
	// has a summary without addresses.
	MaxRows int
}

var (
	//go:embed page.html
	shell string
	//go:embed style.css
	style string
	//go:embed scripts
	scripts embed.FS
)

// scriptNames are the files of the script, in the order in which they are joined. The
// first two answer for addresses; they need no browser.
var scriptNames = []string{"lookup.js", "senders.js", "tools.js", "answer.js", "views.js", "picture.js", "lines.js", "main.js"}

// script returns the files of the script as one text.
func script() (string, error) {
	var all strings.Builder
	for _, name := range scriptNames {
		text, err := scripts.ReadFile("scripts/" + name)
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	return all.String(), nil
}

var shellTemplate = template.Must(template.New("page").Parse(shell))

// filling is what the shell is filled with.
type filling struct {
	Policy  string
	Style   template.CSS
	Script  template.JS
	Data    template.HTML // base64, which has no character of markup
	Host    string
	Summary []string
	Only    bool   // the document is about some domains
	Cut     string // why there are no addresses; empty: there are
}

// Write writes the document.
func (d *Document) Write(w io.Writer) error {
	code, err := script()
	if err != nil {
		return err
	}
	header := d.header()
	data, err := d.packed(header)
	if err != nil {
		return err
	}
	return shellTemplate.Execute(w, filling{
		Policy: policy(style, code), Style: template.CSS(style), Script: template.JS(code), Data: template.HTML(data),
		Host: header.Host, Summary: d.summary(header), Only: d.Only != nil, Cut: header.Cut,
	})
}

// policy allows one style and one script. Everything else is forbidden, requests too.
func policy(style, script string) string {
	return fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", hash(script), hash(style))
}

// hash returns the digest of an element's text as a policy has it (CSP 3, hash-source).
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// packed returns the data as base64 of gzip. The gzip has no time in it.
func (d *Document) packed(h *Header) (string, error) {
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := d.encode(zip, h); err != nil {
		return "", err
	}
	if err := zip.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// encode writes the data. The addresses are made before the Header is written, because
// they add files and replies to it.
func (d *Document) encode(w io.Writer, h *Header) error {
	var blocks []byte
	if h.Cut == "" {
		for n, i := range h.choice.domains {
			blocks = d.appendBlock(blocks, i, &h.Domains[n], h)
		}
	}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err = w.Write(append(text, '\n')); err == nil {
		_, err = w.Write(blocks)
	}
	return err
}
