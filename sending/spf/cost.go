package spf

import (
	"context"
	"slices"

	"virtmap/mxcheck"
)

// mostWalked is the number of lookups after which Cost stops counting.
const mostWalked = 60

// A Cost says what the record of a domain asks of the DNS when no term matches before
// "all": what the most unlucky sender costs a receiver.
type Cost struct {
	Record   Record
	Lookups  int        // the terms that ask the DNS, in all records; counting ends at 60
	Voids    []Place    // the terms whose names have no records, for the address of the Query
	Terms    []TermCost // the terms of the domain's own record that ask the DNS
	Problems []Problem  // what gives permerror or temperror when a receiver gets there
}

// A Place is the place of a term.
type Place struct {
	Domain string // in whose record the term is
	Term   string
	Offset int // octets before the term in its record
}

// A TermCost is the cost of one term, with all that it includes.
type TermCost struct {
	Place
	Lookups int
}

// A Problem is a term that gives permerror or temperror.
type Problem struct {
	Place
	Own     string // the term of the domain's own record that leads to it
	Why     string // without a full stop
	Failure mxcheck.Answer
}

// A walk looks at all records that a record leads to.
type walk struct {
	*evaluation
	cost Cost
	path []string // the domains from that of the Query to the current one
	own  *Term    // the term of the domain's own record
}

// Cost looks at all terms of the record of the Query's domain, and at all records that
// they lead to.
func (q Query) Cost(ctx context.Context) Cost {
	w := walk{evaluation: newEvaluation(ctx, q)}
	w.unlimited = true
	w.visit(w.Domain, Place{Domain: w.Domain})
	w.cost.Lookups = w.lookups
	return w.cost
}

// visit walks through the record of a domain. at is the term that leads to it.
func (w *walk) visit(domain string, at Place) {
	if !isDomain(domain) {
		w.problem(at, permError("%q is no name that has records", domain))
		return
	}
	if slices.Contains(w.path, domain) {
		w.problem(at, permError("the record of %s leads back to itself", domain))
		return
	}
	r, a := w.record(domain)
	if r == nil {
		if a.Result == None {
			a = permError("%s has no SPF record", domain)
		}
		w.problem(at, a)
		return
	}
	if len(w.path) == 0 {
		w.cost.Record = *r
	}
	w.path = append(w.path, domain)
	w.terms(domain, r)
	w.path = w.path[:len(w.path)-1]
}

// terms walks through the terms of a record in the order in which they are evaluated.
func (w *walk) terms(domain string, r *Record) {
	for i := range r.Terms {
		if t := &r.Terms[i]; !t.Modifier {
			w.term(domain, t)
			if t.Name == "all" {
				return
			}
		}
	}
	if t := r.modifier("redirect"); t != nil {
		w.term(domain, t)
	}
}

// term counts a term, and walks through the record that it leads to.
func (w *walk) term(domain string, t *Term) {
	if !t.AsksDNS() || w.lookups >= mostWalked {
		return
	}
	if len(w.path) == 1 {
		w.own = t
		before := w.lookups
		defer func() {
			w.cost.Terms = append(w.cost.Terms, TermCost{Place{domain, t.Text, t.Offset}, w.lookups - before})
		}()
	}
	w.lookups++
	at, target := Place{domain, t.Text, t.Offset}, w.target(domain, t)
	voids := w.voids
	var problem *Answer
	switch t.Name {
	case "include", "redirect":
		w.visit(target, at)
	case "a":
		_, problem = w.counted(target, w.addressType())
	case "exists":
		_, problem = w.counted(target, mxcheck.TypeA)
	case "mx":
		_, problem = w.hasMX(domain, t)
	}
	if w.voids > voids && t.Name != "include" && t.Name != "redirect" {
		w.cost.Voids = append(w.cost.Voids, at)
	}
	if problem != nil {
		w.problem(at, *problem)
	}
}

func (w *walk) problem(at Place, a Answer) {
	p := Problem{Place: at, Why: a.Why, Failure: a.Failure}
	if w.own != nil {
		p.Own = w.own.Text
	}
	w.cost.Problems = append(w.cost.Problems, p)
}
