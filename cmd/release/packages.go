package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// hostPlatform is the platform of this machine.
func hostPlatform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// installed has the path in a package for the files of an archive.
var installed = map[string]string{
	"LICENSE":                 "/usr/share/doc/virtmap/copyright",
	"README.md":               "/usr/share/doc/virtmap/README.md",
	"CHANGELOG.md":            "/usr/share/doc/virtmap/CHANGELOG.md",
	"man/virtmap.1":           "/usr/share/man/man1/virtmap.1.gz",
	"man/virtmap-inventory.5": "/usr/share/man/man5/virtmap-inventory.5.gz",
	"completion/virtmap.bash": "/usr/share/bash-completion/completions/virtmap",
	"completion/_virtmap":     "/usr/share/zsh/vendor-completions/_virtmap",
	"completion/virtmap.fish": "/usr/share/fish/vendor_completions.d/virtmap.fish",
	"virtmap.schema.json":     "/usr/share/virtmap/virtmap.schema.json",
	"contrib/virtmap.service": "/usr/lib/systemd/system/virtmap.service",
	"contrib/virtmap.timer":   "/usr/lib/systemd/system/virtmap.timer",
	"contrib/virtmap.path":    "/usr/lib/systemd/system/virtmap.path",
}

// packages makes the .deb and the .rpm for a processor. The timer and the path unit
// are installed and not enabled, because they need an inventory.
func (r *release) packages(arch string, program []byte) error {
	dir, err := os.MkdirTemp("", "virtmap-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	contents := []map[string]any{}
	add := func(f file, to string) error {
		from := filepath.Join(dir, strconv.Itoa(len(contents)))
		contents = append(contents, map[string]any{"src": from, "dst": to,
			"file_info": map[string]any{"mode": f.mode, "mtime": r.when.Format(time.RFC3339)}})
		if strings.HasSuffix(to, ".gz") {
			return writeZipped(from, f.content)
		}
		return os.WriteFile(from, f.content, 0o644)
	}
	err = add(file{"virtmap", program, 0o755}, "/usr/bin/virtmap")
	for _, f := range r.shared {
		to, known := installed[f.name]
		if !known && (strings.HasPrefix(f.name, "contrib/") || strings.HasPrefix(f.name, "docs/")) {
			to, known = "/usr/share/doc/virtmap/"+f.name, true
		}
		if page, ok := strings.CutPrefix(f.name, "man/"); !known && ok && strings.HasSuffix(page, ".7") {
			to, known = "/usr/share/man/man7/"+page+".gz", true
		}
		if known {
			err = errors.Join(err, add(f, to))
		}
	}
	if err != nil {
		return err
	}
	config := filepath.Join(dir, "nfpm.json") // JSON is YAML
	text, err := json.Marshal(r.description(arch, contents))
	if err == nil {
		err = os.WriteFile(config, text, 0o644)
	}
	for _, kind := range []string{"deb", "rpm"} {
		if err == nil {
			_, err = output([]string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(r.when.Unix(), 10), "GOFLAGS=", "GOOS=", "GOARCH="},
				"go", "run", nfpm, "package", "-f", config, "-p", kind, "-t", r.out)
		}
	}
	return err
}

// description returns the configuration of nfpm.
func (r *release) description(arch string, contents []map[string]any) map[string]any {
	return map[string]any{
		"name": "virtmap", "arch": arch, "platform": "linux", "version": r.version, "version_schema": "semver",
		"section": "mail", "priority": "optional", "license": "MIT",
		"maintainer":  "The virtmap authors",
		"description": "Virtual mail domains for sendmail, Postfix, Exim and OpenSMTPD from one inventory\nWrites the tables of virtual addresses as text and as maps, and the lines of\nsendmail.mc, main.cf or exim4.conf, checks them, and proves them over SMTP.",
		"mtime":       r.when.Format(time.RFC3339), "contents": contents,
		"rpm": map[string]any{"buildhost": "localhost"},
	}
}

// writeZipped writes a file compressed with gzip.
func writeZipped(path string, content []byte) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	zipped, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err == nil {
		_, err = zipped.Write(content)
		err = errors.Join(err, zipped.Close())
	}
	return errors.Join(err, out.Close())
}
