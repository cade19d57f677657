package route

// parse finds the addresses in a list of addresses. rest is the number of other words
// and signs, without < and >.
func parse(s string) (addrs [][]token, rest int) {
	p := parser{in: scan(s), word: true}
	p.i = len(p.in) - 1
	for p.i >= 0 {
		p.step()
	}
	p.close(false)
	for i, j := 0, len(p.addrs)-1; i < j; i, j = i+1, j-1 {
		p.addrs[i], p.addrs[j] = p.addrs[j], p.addrs[i]
	}
	return p.addrs, p.rest
}

// A parser reads tokens from right to left. An address is what stands between two
// separators, without its comments.
type parser struct {
	in    []token
	i     int // the token that is read next
	word  bool
	group bool

	current []token // the address that is being read, backwards
	addrs   [][]token
	rest    int
}

// close ends the current address. comma says that a comma is put before the address.
func (p *parser) close(comma bool) {
	if len(p.current) == 0 {
		return
	}
	addr := make([]token, 0, len(p.current))
	for i := len(p.current) - 1; i >= 0; i-- {
		addr = append(addr, p.current[i])
	}
	p.addrs = append(p.addrs, addr)
	p.current = p.current[:0]
	if comma {
		p.rest++
	}
}

// skip passes over the tokens up to one of a set of separators.
func (p *parser) skip(separators string) {
	for p.i >= 0 {
		for _, s := range separators {
			if p.in[p.i].kind == s {
				return
			}
		}
		if k := p.in[p.i].kind; k != '<' && k != '>' {
			p.rest++
		}
		p.i--
	}
}

func (p *parser) step() {
	t := p.in[p.i]
	p.i--
	switch {
	case t.kind == comment:
		p.rest++
	case t.kind == ';':
		p.close(true)
		p.rest++
		p.group, p.word = true, true
	case t.kind == ':' && p.group:
		p.close(false)
		p.rest++
		p.skip(",")
	case t.kind == '>':
		p.close(true)
		p.angle()
	case t.kind == atom || t.kind == quoted || t.kind == literal:
		if !p.word {
			p.close(true)
		}
		p.word = false
		p.current = append(p.current, t)
	case t.kind == ',':
		p.close(false)
		p.rest++
		p.word = true
	default:
		p.word = true
		p.current = append(p.current, t)
	}
}

// angle reads an address between < and >, and passes over the words before it.
func (p *parser) angle() {
	for p.i >= 0 && p.in[p.i].kind != '<' {
		if p.in[p.i].kind == comment {
			p.rest++
		} else {
			p.current = append(p.current, p.in[p.i])
		}
		p.i--
	}
	p.close(false)
	p.skip(">;,:")
	p.word = true
}
