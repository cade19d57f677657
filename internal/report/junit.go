package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"virtmap/internal/diag"
)

// junit prints JUnit XML for CI servers: one suite with a case for each Case. The
// group is the class. There are no times, so that the same results give the same
// bytes.
type junit struct {
	w             io.Writer
	suite         string
	cases         bytes.Buffer
	tried, failed int
}

func newJUnit(w io.Writer, suite string) Writer { return &junit{w: w, suite: suite} }

type junitCase struct {
	XMLName xml.Name      `xml:"testcase"`
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (j *junit) Case(c Case) error {
	out := junitCase{Class: c.Group, Name: diag.Printable(c.Name)}
	j.tried++
	if c.Failure != "" {
		j.failed++
		lines := make([]string, len(c.Details))
		for i, line := range c.Details {
			lines[i] = diag.Printable(line)
		}
		out.Failure = &junitFailure{diag.Printable(c.Failure), strings.Join(lines, "\n")}
	}
	text, err := xml.Marshal(out)
	j.cases.Write(text)
	j.cases.WriteByte('\n')
	return err
}

func (j *junit) Close() error {
	var suite bytes.Buffer
	if err := xml.EscapeText(&suite, []byte(j.suite)); err != nil {
		return err
	}
	counts := fmt.Sprintf(`tests="%d" failures="%d" errors="0"`, j.tried, j.failed)
	if _, err := fmt.Fprintf(j.w, "%s<testsuites %s>\n<testsuite name=\"%s\" %s skipped=\"0\">\n", xml.Header, counts, &suite, counts); err != nil {
		return err
	}
	if _, err := j.cases.WriteTo(j.w); err != nil {
		return err
	}
	_, err := io.WriteString(j.w, "</testsuite>\n</testsuites>\n")
	return err
}
