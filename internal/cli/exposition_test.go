package cli

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	metricName  = `[a-zA-Z_:][a-zA-Z0-9_:]*`
	helpLine    = regexp.MustCompile(`^# HELP (` + metricName + `) ((?:[^\\]|\\\\|\\n)+)$`)
	typeLine    = regexp.MustCompile(`^# TYPE (` + metricName + `) gauge$`)
	sampleLine  = regexp.MustCompile(`^(` + metricName + `)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"\})? (\S+)$`)
	badWordings = regexp.MustCompile(`^\s|\s$|\s\s`)
)

// parseExposition reads a text as strictly as Prometheus can: HELP, TYPE and the samples
// of a metric follow each other, each metric and each sample is there once, and the last
// line ends. The values are by metric and labels.
func parseExposition(text string) (map[string]float64, error) {
	values, seen := map[string]float64{}, map[string]bool{}
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] != "" {
		return nil, fmt.Errorf("the last line does not end: %q", lines[len(lines)-1])
	}
	metric, typed := "", false
	for i, line := range lines[:len(lines)-1] {
		line = strings.TrimSuffix(line, "\n")
		fail := func(what string) error { return fmt.Errorf("line %d %s: %q", i+1, what, line) }
		help, typ, sample := helpLine.FindStringSubmatch(line), typeLine.FindStringSubmatch(line), sampleLine.FindStringSubmatch(line)
		switch {
		case help != nil && seen[help[1]]:
			return nil, fail("describes a metric again")
		case help != nil && badWordings.MatchString(help[2]):
			return nil, fail("has blanks too many")
		case help != nil:
			metric, typed, seen[help[1]] = help[1], false, true
		case typ != nil && (typ[1] != metric || typed):
			return nil, fail("is a type in the wrong place")
		case typ != nil:
			typed = true
		case sample == nil:
			return nil, fail("is in no known form")
		case sample[1] != metric || !typed:
			return nil, fail("is a sample in the wrong place")
		default:
			value, err := strconv.ParseFloat(sample[3], 64)
			if _, twice := values[sample[1]+sample[2]]; twice || err != nil {
				return nil, fail("is no new sample")
			}
			values[sample[1]+sample[2]] = value
		}
	}
	return values, nil
}

func TestTheParserOfExpositionsIsStrict(t *testing.T) {
	good := "# HELP a What it is.\n# TYPE a gauge\na 1\n"
	if _, err := parseExposition(good); err != nil {
		t.Fatal(err)
	}
	for it, text := range map[string]string{
		"no line end":       strings.TrimSuffix(good, "\n"),
		"no help":           "# TYPE a gauge\na 1\n",
		"no type":           "# HELP a What it is.\na 1\n",
		"another's type":    "# HELP a What it is.\n# TYPE b gauge\na 1\n",
		"another's sample":  good + "b 1\n",
		"a sample twice":    good + "a 2\n",
		"a metric twice":    good + good,
		"a value of letter": strings.Replace(good, " 1", " x", 1),
		"a blank line":      good + "\n",
		"an open label":     strings.Replace(good, "a 1", `a{b="c} 1`, 1),
		"an empty help":     strings.Replace(good, "What it is.", "", 1),
	} {
		if values, err := parseExposition(text); err == nil {
			t.Errorf("with %s it is read as %v", it, values)
		}
	}
}
