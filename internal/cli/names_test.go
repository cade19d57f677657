package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mta/servers"
)

// nameless are the rooms that work on the files of any server, and name none.
var nameless = []string{"../fileset", "../build", "../change", "../endtoend", "../promise", "../effective", "../follow", "../listing", "../page", "../message", "../webmail", "../mta"}

// words are names of files that are also words of messages.
var words = []string{"acl", "addresses", "backups", "detail", "domains", "mailboxes", "main", "routers", "senders", "transports"}

// TestNoRoomNamesAServersFile looks through the texts in the code of rooms that serve
// every mail server.
func TestNoRoomNamesAServersFile(t *testing.T) {
	names := []string{"sendmail.mc", "master.cf"}
	for _, s := range servers.All {
		names = append(names, s.Words.Config, s.Dir)
		for _, f := range s.Files {
			if !slices.Contains(words, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	for _, room := range nameless {
		files, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no files (%v)", room, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				text, ok := n.(*ast.BasicLit)
				if ok && text.Kind == token.STRING && slices.ContainsFunc(names, func(name string) bool { return strings.Contains(text.Value, name) }) {
					t.Errorf("%s has %s", path, text.Value)
				}
				return true
			})
		}
	}
}
