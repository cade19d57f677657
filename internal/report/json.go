package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// asJSON prints one object:
//
//	{"version":1,"suite":…,"cases":[{"passed":true,"case":{…}},…],"tried":2,"failed":0}
//
// The command decides what a case has.
type asJSON struct {
	w             io.Writer
	tried, failed int
	err           error
}

func newJSON(w io.Writer, suite string) Writer {
	name, err := json.Marshal(suite)
	j := &asJSON{w: w, err: err}
	j.print(`{"version":1,"suite":%s,"cases":[`, name)
	return j
}

func (j *asJSON) print(format string, args ...any) {
	if j.err == nil {
		_, j.err = fmt.Fprintf(j.w, format, args...)
	}
}

func (j *asJSON) Case(c Case) error {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false) // transcripts have many < and >
	if err := encoder.Encode(c.Data); err != nil {
		return err
	}
	comma := "\n"
	if j.tried > 0 {
		comma = ",\n"
	}
	j.print(`%s{"passed":%v,"case":%s}`, comma, c.Failure == "", bytes.TrimSpace(data.Bytes()))
	j.tried++
	if c.Failure != "" {
		j.failed++
	}
	return j.err
}

func (j *asJSON) Close() error {
	j.print("\n],\"tried\":%d,\"failed\":%d}\n", j.tried, j.failed)
	return j.err
}
