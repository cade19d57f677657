package manual

import "testing"

// TestMarkdown converts a page that has everything.
func TestMarkdown(t *testing.T) {
	const text = "# The title\n\nA paragraph with `code`, **bold `words`**\nand a [page](mx.md#mx) or [mx.md](mx.md). It - says.\n\n![A picture](pictures/x.png)\n\n" +
		"## A part\n\n- one item\n  on two lines\n- `two`\n\n1. first\n2. second\n\n" +
		"```\n$ virtmap check\n.dot\n\n'quote \\n\n```\n\n    indented code\n\n    and more\n\nbehind it\n\n" +
		"| file | what it has |\n| --- | --- |\n| `a`, b | rows \\| lines |\n\n| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |\n\n### Deeper\n.begins with a dot\n"
	const want = `.TH "X" 7 "" "virtmap 1" "virtmap manual"
.SH NAME
x \- about x
.SH "DESCRIPTION"
A paragraph with \fBcode\fR, \fBbold words\fR and a page (virtmap\-mx(7)) or virtmap\-mx(7). It \- says.
.SH "A PART"
.IP \(bu 4
one item on two lines
.IP \(bu 4
\fBtwo\fR
.IP 1. 4
first
.IP 2. 4
second
.PP
.RS 4
.nf
$ virtmap check
\&.dot

\&'quote \en
.fi
.RE
.PP
.RS 4
.nf
indented code

and more
.fi
.RE
.PP
behind it
.TP
\fBa\fR, b
rows | lines
.TP
1
b: 2
.br
c: 3
.SS "Deeper"
\&.begins with a dot
`
	p := &Page{Name: "x", Section: 7, About: "about x", Version: "1"}
	p.Markdown(text, func(target string) string {
		if target == "mx.md" || target == "mx.md#mx" {
			return "virtmap-mx(7)"
		}
		return ""
	})
	if got := string(p.Bytes()); got != want {
		t.Errorf("the page is\n%s\nand not\n%s", got, want)
	}
}
