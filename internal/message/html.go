package message

import (
	"errors"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A Link is a link of an HTML text.
type Link struct {
	Text   string `json:"text"`
	Target string `json:"target"`
}

// maxLinks is how many links Clean returns.
const maxLinks = 200

// removed are the elements that fetch something or lead away although a frame is sandboxed
// and its policy allows nothing: a link opens connections ahead (preconnect), a meta
// element goes to another page. Frames and scripts are of no use there.
var removed = map[string]bool{
	"link": true, "base": true, "meta": true, "script": true, "iframe": true, "frame": true, "frameset": true, "object": true, "embed": true,
	"applet": true, "template": true, "portal": true, "fencedframe": true,
}

// Clean returns HTML without the elements that a sandboxed frame lets out, and without
// comments. It returns the links too. image returns the address for an image of the
// message from its Content-ID; empty: there is none. HTML that is nested more than 512
// elements deep is an error, and must not be shown.
//
// Clean is not all that a page needs: the frame is sandboxed, and its policy forbids
// fetching.
func Clean(text string, image func(contentID string) string) (clean string, links []Link, err error) {
	c := cleaner{image: image}
	if clean, err = c.pass(text); err != nil {
		return "", nil, err
	}
	for range maxPasses {
		c.removed, c.links = false, nil
		again, err := c.pass(clean)
		switch {
		case err != nil:
			return "", nil, err
		case !c.removed:
			return clean, c.links, nil
		}
		clean = again
	}
	return "", nil, errors.New("the HTML changes whenever it is written anew")
}

// maxPasses is how often HTML that was cleaned is looked at again. Text that was written
// anew may be read as other elements than before: what is text in a noscript element is
// written without escapes, so that &lt;link&gt; becomes an element. HTML is clean when a pass
// over it has found nothing.
const maxPasses = 4

type cleaner struct {
	image   func(string) string
	links   []Link
	removed bool // the pass has found something
}

// pass reads HTML, removes what must go, and writes it anew.
func (c *cleaner) pass(text string) (string, error) {
	root, err := html.ParseWithOptions(strings.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil {
		return "", err
	}
	c.children(root)
	var out strings.Builder
	err = html.Render(&out, root)
	return out.String(), err
}

func (c *cleaner) children(n *html.Node) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		if child.Type == html.CommentNode || child.Type == html.ElementNode && removed[strings.ToLower(child.Data)] {
			n.RemoveChild(child)
			c.removed = true
		} else {
			c.attributes(child)
			c.children(child)
		}
		child = next
	}
}

// attributes points images of the message to where they are, and notes links.
func (c *cleaner) attributes(n *html.Node) {
	for i := range n.Attr {
		a := &n.Attr[i]
		switch key := strings.ToLower(a.Key); key {
		case "src", "background", "href":
			if id, ok := cutFold(strings.TrimSpace(a.Val), "cid:"); ok && c.image != nil {
				a.Val = c.image(id)
			} else if key == "href" && n.DataAtom == atom.A && len(c.links) < maxLinks {
				c.links = append(c.links, Link{Text: strings.Join(strings.Fields(textOf(n, 200)), " "), Target: a.Val})
			}
		}
	}
}

// cutFold is strings.CutPrefix without regard to capitals.
func cutFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// textOf returns about the first bytes of the text in an element.
func textOf(n *html.Node, most int) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
		if out.Len() > most {
			break
		}
	}
	return out.String()
}

// newLine are the elements that begin a line.
var newLine = map[atom.Atom]bool{
	atom.Br: true, atom.P: true, atom.Div: true, atom.Tr: true, atom.Li: true, atom.Table: true, atom.Ul: true, atom.Ol: true, atom.Blockquote: true, atom.Hr: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Pre: true,
}

// HTMLText returns the text that HTML shows: blanks folded, without empty lines at the ends
// and with at most one between others.
func HTMLText(text string) string {
	var out strings.Builder
	hidden := 0
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return tidy(out.String())
		case html.TextToken:
			if hidden == 0 {
				out.WriteString(folded(string(z.Text())))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			switch {
			case tag == atom.Script || tag == atom.Style || tag == atom.Title || tag == atom.Template:
				hidden = max(0, hidden+map[html.TokenType]int{html.StartTagToken: 1, html.EndTagToken: -1}[kind])
			case newLine[tag]:
				out.WriteByte('\n')
			case tag == atom.Td || tag == atom.Th:
				out.WriteByte(' ')
			}
		}
	}
}

// folded returns a text with its blanks folded, also those at its ends.
func folded(text string) string {
	words := strings.Join(strings.Fields(text), " ")
	const blanks = " \t\r\n"
	if text != "" && strings.IndexByte(blanks, text[0]) >= 0 {
		words = " " + words
	}
	if text != "" && strings.IndexByte(blanks, text[len(text)-1]) >= 0 {
		words += " "
	}
	return words
}

// tidy folds blanks and empty lines.
func tidy(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.Join(strings.Fields(line), " ")
		if line != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, line)
		}
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}
