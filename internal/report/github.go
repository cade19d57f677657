package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"virtmap/internal/diag"
)

// githubCommands are the commands of annotations by severity.
var githubCommands = map[diag.Severity]string{diag.Error: "error", diag.Warning: "warning", diag.Note: "notice"}

// Escapes for the message and for a property of a workflow command (docs.github.com,
// "Workflow commands for GitHub Actions").
var (
	githubMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// printableLines returns a text of several lines without control characters.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = diag.Printable(line)
	}
	return strings.Join(lines, "\n")
}

// github prints a workflow command for each fault. GitHub shows it as an annotation
// at the changed line.
func github(w io.Writer, all []diag.Located, _ string) error {
	out := bufio.NewWriter(w)
	for _, f := range all {
		place := ""
		if f.At.File != "" {
			place = fmt.Sprintf("file=%s,line=%d,col=%d,endColumn=%d,", githubProperty.Replace(slashed(f.At)), f.At.Line, f.At.Col, f.EndCol)
		}
		fmt.Fprintf(out, "::%s %stitle=%s::%s\n", githubCommands[f.Severity], place,
			githubProperty.Replace(f.Check.ID+" "+f.Check.Name), githubMessage.Replace(diag.Printable(f.Text)+"\n"+printableLines(f.Help)))
	}
	return out.Flush()
}
