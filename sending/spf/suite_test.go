package spf_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"virtmap/internal/workshop/peer"
	"virtmap/mxcheck"
	"virtmap/sending/spf"
)

// A scenario is one document of the public test suite of RFC 7208: a zone and questions.
type scenario struct {
	Description string               `yaml:"description"`
	Tests       map[string]vector    `yaml:"tests"`
	Zone        map[string][]anyItem `yaml:"zonedata"`
}

// A vector is one question with the results that are right.
type vector struct {
	Helo        string `yaml:"helo"`
	Host        string `yaml:"host"`
	MailFrom    string `yaml:"mailfrom"`
	Result      words  `yaml:"result"`
	Explanation string `yaml:"explanation"`
}

// words are one word or a list of words.
type words []string

func (w *words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode((*[]string)(w))
	}
	*w = words{n.Value}
	return nil
}

// An anyItem is a record of the suite's zone: a type with its data, or TIMEOUT.
type anyItem struct {
	kind string
	data []string
}

func (i *anyItem) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		i.kind = n.Value
		return nil
	}
	i.kind = n.Content[0].Value
	value := n.Content[1]
	if value.Kind == yaml.ScalarNode {
		i.data = []string{value.Value}
		return nil
	}
	return value.Decode(&i.data)
}

// vectors is the number of questions of the suite.
const vectors = 203

// scenarios reads the suite, which is installed with the package python3-spf.
func scenarios(t *testing.T) []scenario {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(peer.SPFSuite(t)))
	var all []scenario
	for {
		var s scenario
		err := decoder.Decode(&s)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
}

// suiteZone answers from the zone of a scenario.
type suiteZone map[string][]anyItem

func newSuiteZone(items map[string][]anyItem) suiteZone {
	z := suiteZone{}
	for name, all := range items {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		isSet := func(kind string) bool {
			return slices.ContainsFunc(all, func(i anyItem) bool { return i.kind == kind })
		}
		for _, item := range all {
			// A record of type SPF stands for a TXT record too, unless there is one.
			if item.kind == "SPF" && !isSet("TXT") {
				item.kind = "TXT"
			}
			z[name] = append(z[name], item)
		}
	}
	return z
}

var suiteTypes = map[mxcheck.Type]string{mxcheck.TypeTXT: "TXT", mxcheck.TypeA: "A", mxcheck.TypeAAAA: "AAAA", mxcheck.TypeMX: "MX", mxcheck.TypePTR: "PTR"}

func (z suiteZone) Ask(_ context.Context, q mxcheck.Question) mxcheck.Answer {
	a := mxcheck.Answer{Proof: &mxcheck.Proof{}}
	items, ok := z[q.Name]
	if !ok {
		a.NoName = true
		return a
	}
	silent := false
	for _, item := range items {
		switch {
		case item.kind == "TIMEOUT":
			silent = true
		case item.kind == "CNAME":
			a.Aliases = append(a.Aliases, mxcheck.Record{Name: q.Name, Type: mxcheck.TypeCNAME, Target: target(item.data[0])})
			a.Proof = nil
		case item.kind == suiteTypes[q.Type] && !slices.Equal(item.data, []string{"NONE"}):
			a.Records = append(a.Records, suiteRecord(q, item))
			a.Proof = nil
		}
	}
	if silent && len(a.Records) == 0 {
		return mxcheck.Answer{Failure: mxcheck.DNSTimeout}
	}
	return a
}

func suiteRecord(q mxcheck.Question, item anyItem) mxcheck.Record {
	r := mxcheck.Record{Name: q.Name, Type: q.Type}
	switch last := len(item.data) - 1; q.Type {
	case mxcheck.TypeTXT:
		r.Text = strings.Join(item.data, "")
	case mxcheck.TypeA, mxcheck.TypeAAAA:
		r.Addr = netip.MustParseAddr(item.data[0])
	default:
		r.Target = target(item.data[last])
	}
	return r
}

func target(name string) string {
	if name = strings.ToLower(strings.TrimSuffix(name, ".")); name == "" {
		return "."
	}
	return name
}

// TestSuite asks the questions of the public test suite of RFC 7208.
func TestSuite(t *testing.T) {
	n := 0
	for _, s := range scenarios(t) {
		zone := newSuiteZone(s.Zone)
		for name, v := range s.Tests {
			n++
			t.Run(strings.ReplaceAll(s.Description, " ", "-")+"/"+name, func(t *testing.T) {
				a := v.query(t, zone).Evaluate(context.Background())
				if !slices.Contains(v.Result, a.Result.String()) {
					t.Errorf("%s %s at %s: %s (%s), want %s", v.MailFrom, v.Helo, v.Host, a.Result, a.Why, v.Result)
				}
				if v.Explanation != "" && a.Result == spf.Fail && a.Explanation != v.explanation() {
					t.Errorf("explanation %q, want %q", a.Explanation, v.explanation())
				}
				if a.Result == spf.PermError && a.Why == "" {
					t.Error("a permerror without a reason")
				}
			})
		}
	}
	if n != vectors {
		t.Errorf("%d vectors, want %d", n, vectors)
	}
}

func (v vector) query(t *testing.T, zone mxcheck.Resolver) spf.Query {
	addr, err := netip.ParseAddr(v.Host)
	if err != nil {
		t.Fatal(err)
	}
	domain := v.Helo
	if at := strings.LastIndexByte(v.MailFrom, '@'); at >= 0 {
		domain = v.MailFrom[at+1:]
	}
	return spf.Query{Resolver: zone, IP: addr, Domain: domain, Sender: v.MailFrom, Helo: v.Helo, Receiver: "unknown"}
}

// explanation is the text of a vector. DEFAULT stands for that of the receiver.
func (v vector) explanation() string {
	if v.Explanation == "DEFAULT" {
		return ""
	}
	return v.Explanation
}
