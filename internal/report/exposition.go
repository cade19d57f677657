package report

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A Gauge is a metric of Prometheus whose value can go up and down.
type Gauge struct {
	Name    string // ASCII letters, digits and _
	Help    string // one line
	Samples []Sample
}

// A Sample is a value of a Gauge. Label is the name of its one label; empty: it has none.
type Sample struct {
	Label, Of string // the name and the value of the label
	Value     float64
}

// Escapes of a label value and of a help text.
var (
	labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
)

// Exposition returns gauges in the text format of Prometheus, version 0.0.4
// (prometheus.io, "Exposition formats"). A gauge without samples is left out.
func Exposition(gauges []Gauge) []byte {
	var out bytes.Buffer
	for _, g := range gauges {
		if len(g.Samples) == 0 {
			continue
		}
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n", g.Name, helpEscapes.Replace(g.Help), g.Name)
		for _, s := range g.Samples {
			labels := ""
			if s.Label != "" {
				labels = fmt.Sprintf(`{%s="%s"}`, s.Label, labelEscapes.Replace(s.Of))
			}
			fmt.Fprintf(&out, "%s%s %s\n", g.Name, labels, strconv.FormatFloat(s.Value, 'f', -1, 64))
		}
	}
	return out.Bytes()
}

// Samples returns the samples of a gauge in a text that Exposition wrote. A line in
// another form is skipped, so that of a damaged text nothing wrong is taken.
func Samples(text []byte, name string) (all []Sample) {
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name)
		if !ok || !strings.HasSuffix(line, "\n") {
			continue
		}
		var s Sample
		if inner, labelled := strings.CutPrefix(rest, "{"); labelled {
			label, quoted, ok := strings.Cut(inner, `="`)
			end := strings.LastIndex(quoted, `"}`)
			if !ok || end < 0 || strings.ContainsAny(quoted[:end], `\"`) {
				continue // no name of a table needs an escape
			}
			s.Label, s.Of, rest = label, quoted[:end], quoted[end+2:]
		}
		number, ok := strings.CutPrefix(rest, " ")
		value, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil {
			continue
		}
		s.Value = value
		all = append(all, s)
	}
	return all
}
