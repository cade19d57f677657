package cli

import (
	"fmt"
	"strings"

	"virtmap/internal/endtoend"
	"virtmap/internal/outcome"
	"virtmap/internal/report"
)

// caseOf returns a result as a case of a report. server is the name of the installed
// program, if it was asked.
func caseOf(r *endtoend.Result, server string) report.Case {
	domain := r.Address[strings.LastIndexByte(r.Address, '@')+1:]
	c := report.Case{Group: strings.ToLower(domain), Name: r.Address + " (" + r.Why + ")", Data: testDataOf(r, server)}
	if r.Passed() {
		return c
	}
	c.Failure = "promised is " + r.Promised.String()
	if !r.FilesKept() {
		c.Failure += ", but it is " + r.Got.String()
	}
	if !r.ProgramKept() {
		c.Failure += ", but with " + server + " it is " + r.Program.String()
	}
	c.Details = append(c.Details, r.Transcript...)
	for _, step := range r.Trace {
		c.Details = append(c.Details, fmt.Sprintf("%-13s  %s", step.Table, stepText(step)))
	}
	return c
}

// stepText describes a key that was tried, and its value.
func stepText(step outcome.Step) string {
	switch {
	case step.Hit && step.Value == "":
		return step.Key + ": yes"
	case step.Hit:
		return step.Key + " -> " + step.Value
	}
	return step.Key + ": no"
}

// testData is a result in JSON.
type testData struct {
	Address    string       `json:"address"`
	Why        string       `json:"why"`
	Promised   testOutcome  `json:"promised"`
	Got        testOutcome  `json:"got"`
	Sendmail   *testOutcome `json:"sendmail,omitempty"` // the outcome in the installed program, if it is sendmail
	Server     *testOutcome `json:"server,omitempty"`   // the same, if it is another program
	Trace      []stepJSON   `json:"trace,omitempty"`
	Transcript []string     `json:"transcript,omitempty"`
}

type testOutcome struct {
	Code       int      `json:"code"`
	Status     string   `json:"status,omitempty"`
	Text       string   `json:"text,omitempty"`
	Recipients []string `json:"recipients,omitempty"`
}

// outcomeJSON returns an outcome for JSON. Accepted mail has the code 250.
func outcomeJSON(o outcome.Outcome) testOutcome {
	if o.Taken {
		o.Code = 250
	}
	return testOutcome{Code: o.Code, Status: o.Status, Text: o.Text, Recipients: o.Recipients}
}

func testDataOf(r *endtoend.Result, server string) testData {
	d := testData{Address: r.Address, Why: r.Why, Promised: outcomeJSON(r.Promised), Got: outcomeJSON(r.Got), Transcript: r.Transcript}
	if r.Program != nil {
		second := outcomeJSON(*r.Program)
		if d.Server = &second; server == defaultServer.Name {
			d.Sendmail, d.Server = d.Server, nil
		}
	}
	for _, step := range r.Trace {
		d.Trace = append(d.Trace, stepJSONOf(step))
	}
	return d
}
