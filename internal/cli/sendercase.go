package cli

import (
	"fmt"
	"strings"

	"virtmap/internal/endtoend"
	"virtmap/internal/outcome"
	"virtmap/internal/report"
)

// senderData is the result for a sender in JSON.
type senderData struct {
	User     string       `json:"user"`
	From     string       `json:"from"`
	Promised bool         `json:"promised"` // the user may send from the address
	Got      testOutcome  `json:"got"`
	Server   *testOutcome `json:"server,omitempty"` // the outcome in the installed program
	Trace    []stepJSON   `json:"trace,omitempty"`
}

// senderCaseOf returns the result for a sender as a case of a report. server is the name
// of the installed program, if it was asked.
func senderCaseOf(r *endtoend.SenderResult, server string) report.Case {
	domain := r.From[strings.LastIndexByte(r.From, '@')+1:]
	data := senderData{User: r.User, From: r.From, Promised: r.Promised, Got: outcomeJSON(r.Got)}
	if r.Program != nil {
		second := outcomeJSON(*r.Program)
		data.Server = &second
	}
	c := report.Case{Group: strings.ToLower(domain), Name: r.From + " (sent by " + r.User + ")"}
	if !r.Passed() {
		c.Failure = "promised is that the user " + map[bool]string{true: "may send", false: "may not send"}[r.Promised]
		if !r.FilesKept() {
			c.Failure += ", but it is " + sent(r.Got)
		}
		if !r.ProgramKept() {
			c.Failure += ", but with " + server + " it is " + sent(*r.Program)
		}
		for _, step := range r.Trace {
			data.Trace = append(data.Trace, stepJSONOf(step))
			c.Details = append(c.Details, fmt.Sprintf("%-13s  %s", step.Table, stepText(step)))
		}
	}
	c.Data = data
	return c
}

// sent returns the outcome of MAIL FROM in words.
func sent(o outcome.Outcome) string {
	if o.Taken {
		return "accepted"
	}
	return o.String()
}
