package sample

import (
	"regexp"
	"strings"
)

// Plain returns a generated inventory without most of what some servers cannot say: details
// that are kept or part of a target, bounces to an owner, and any user of another server.
func Plain(text string) string {
	text = strings.NewReplacer("detail: keep", "detail: drop", ", bounces_to: bin", "", "{domain: partner.example}", "ann@partner.example").Replace(text)
	text = detailTargets.ReplaceAllString(text, "out@relay.example")
	return anyUserTargets.ReplaceAllString(text, "catch_all: out@relay.example")
}

// detailTargets matches targets with a parameter that is a detail, anyUserTargets those that any
// user has.
var (
	detailTargets  = regexp.MustCompile(`"[^"\n]*%[23][^"\n]*@relay\.example"`)
	anyUserTargets = regexp.MustCompile(`catch_all: "%1@relay\.example"`)
)
