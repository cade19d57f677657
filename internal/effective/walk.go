package effective

import (
	"iter"

	"virtmap/inventory"
)

// An Origin says which layer of a domain has an address.
type Origin uint8

const (
	OwnAddress  Origin = iota // the domain's own addresses
	OwnRole                   // the domain's own roles
	DefaultRole               // the roles of the defaults
	Copied                    // the table of the domain that same_as names
)

// A layer is a sorted part of a table, with its origin.
type layer struct {
	rest   []inventory.Address
	origin Origin
}

// Walk yields the addresses of the effective table of a domain in row order, each with
// its origin. Unlike Table it makes no table, except of a domain that is copied and is a
// copy itself. A Detail may be DetailUnset. The caller must not change an address.
func (t *Tables) Walk(d int) iter.Seq2[Origin, *inventory.Address] {
	return func(yield func(Origin, *inventory.Address) bool) {
		for layers := t.walked(d); len(layers) > 0; {
			origin, a := take(layers)
			if a.To.Kind != inventory.Removed && !yield(origin, a) {
				return
			}
			layers = withRest(layers)
		}
	}
}

// walked returns the layers of a domain that are not empty: at most five.
func (t *Tables) walked(d int) (layers []layer) {
	for i, own := range t.own(d) {
		layers = append(layers, layer{own, OwnAddress + Origin(i)})
	}
	source := t.m.Domains[d].Source
	switch {
	case source >= 0 && t.m.Domains[source].Source < 0:
		for _, own := range t.own(source) {
			layers = append(layers, layer{own, Copied})
		}
	case source >= 0:
		layers = append(layers, layer{t.source(d), Copied})
	}
	return withRest(layers)
}

// withRest keeps the layers that have an address left.
func withRest(layers []layer) []layer {
	left := layers[:0]
	for _, l := range layers {
		if len(l.rest) > 0 {
			left = append(left, l)
		}
	}
	return left
}

// take removes the first address from every layer that has it, and returns that of the
// first such layer.
func take(layers []layer) (Origin, *inventory.Address) {
	first := layers[0]
	for _, l := range layers[1:] {
		if l.rest[0].Compare(&first.rest[0]) < 0 {
			first = l
		}
	}
	a := &first.rest[0]
	for i := range layers {
		if layers[i].rest[0].Compare(a) == 0 {
			layers[i].rest = layers[i].rest[1:]
		}
	}
	return first.origin, a
}
