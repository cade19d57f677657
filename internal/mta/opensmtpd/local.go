package opensmtpd

import (
	"regexp"
	"strings"
)

// listLocal lists the addresses of a domain whose other names are accounts. Those whose
// detail decides are regular expressions (regex(7)); of the others, smtpd takes user+x for
// user.
// from are the numbers of the first rows of the domain in each table.
func (c *compiler) listLocal(d int, from [3]int) {
	for _, name := range namesOf(c.m, d) {
		var rows [3]table
		for k, first := range from {
			rows[k] = at(c.rows.tables[k][first:], "@"+name)
		}
		for _, e := range rows[plain] {
			c.rows.listed = append(c.rows.listed, e.key)
		}
		c.rows.detail = append(c.rows.detail, decided(rows[plain], rows[withDetail], "@"+name, ".+")...)
		c.rows.emptyDetail = append(c.rows.emptyDetail, decided(rows[plain], rows[emptyDetail], "@"+name, "")...)
	}
}

// at returns the rows at a domain.
func at(t table, domain string) (all table) {
	for _, e := range t {
		if strings.HasSuffix(e.key, domain) {
			all = append(all, e)
		}
	}
	return all
}

// decided returns the regular expressions for the rows of a table of details at a domain,
// as far as they differ from those without a detail. detail is the expression of a detail.
func decided(without, with table, domain, detail string) (all []string) {
	listed := map[string]string{}
	for _, e := range without {
		listed[e.key] = e.value
	}
	for _, e := range with {
		local := strings.TrimSuffix(e.key, domain)
		value, same := listed[e.key]
		_, _, plus := cutDetail(local)
		switch {
		case local == "": // a key for every user decides about all of them
			return []string{"^.[^+@]*[+]" + detail + regexp.QuoteMeta(domain) + "$"}
		case plus:
			all = append(all, "^"+regexp.QuoteMeta(e.key)+"$")
		case !same || value != e.value:
			all = append(all, "^"+regexp.QuoteMeta(local)+"[+]"+detail+regexp.QuoteMeta(domain)+"$")
		}
	}
	return all
}
