package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mta/servers"
)

// nameless are the rooms that work on the files of any server, and name none.
var nameless = []string{"../fileset", "../build", "../change", "../endtoend", "../promise", "../effective", "../mta"}

// TestNoRoomNamesAServersFile looks through the texts in the code of rooms that serve
// every mail server.
func TestNoRoomNamesAServersFile(t *testing.T) {
	names := []string{"sendmail.cf", "sendmail.mc", "main.cf", "master.cf", "exim4.conf", "smtpd.conf", "/etc/mail"}
	for _, s := range servers.All {
		for _, f := range s.Files {
			names = append(names, f.Name)
		}
	}
	for _, room := range nameless {
		packages, err := parser.ParseDir(token.NewFileSet(), room, func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packages {
			ast.Inspect(p, func(n ast.Node) bool {
				text, ok := n.(*ast.BasicLit)
				if ok && text.Kind == token.STRING && slices.ContainsFunc(names, func(name string) bool { return strings.Contains(text.Value, name) }) {
					t.Errorf("%s has %s", room, text.Value)
				}
				return true
			})
		}
	}
}
