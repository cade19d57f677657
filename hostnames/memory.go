package hostnames

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"virtmap/mxcheck"
)

// MemoryName is the name of the file of the Memory in the state folder.
const MemoryName = "verdicts.json"

// A Memory is what a run keeps about the domains for the next run. It is JSON, with
// a member for each domain, sorted by name. Times are UTC, in whole seconds:
//
//	{
//	 "version": 1,
//	 "domains": {
//	  "fakemail.example": {
//	   "served": true,
//	   "verdict": "ok",
//	   "checked": "2026-05-03T10:00:00Z"
//	  }
//	 }
//	}
type Memory struct {
	Version   int                    `json:"version"`
	Announced map[string]time.Time   `json:"announced,omitempty"` // by report: when a person was told last
	Domains   map[string]*Remembered `json:"domains"`             // by name, in A-labels
}

// Remembered is what the Memory has about one domain.
type Remembered struct {
	Served bool `json:"served"` // the last run served it
	Backup bool `json:"backup,omitempty"`

	// The last verdict, with the records and servers.
	Verdict string    `json:"verdict,omitempty"` // ok, warning, error; empty: there was none yet
	ID      string    `json:"id,omitempty"`
	Text    string    `json:"text,omitempty"`
	Advice  string    `json:"advice,omitempty"`
	Records []string  `json:"records,omitempty"`
	Servers []string  `json:"servers,omitempty"`
	Zones   bool      `json:"zones,omitempty"` // from zone files
	TTL     uint32    `json:"ttl,omitempty"`   // time to live of the last good answer, in seconds
	Checked time.Time `json:"checked,omitzero"`
	Tried   time.Time `json:"tried,omitzero"` // when it was checked last, with or without an answer
	LastOK  time.Time `json:"last_ok,omitzero"`
	Left    time.Time `json:"left,omitzero"` // when it left, if it was served before

	// Doubted is true when the last verdict was an error and did not count,
	// because of an accident.
	Doubted bool `json:"doubted,omitempty"`

	Against *Against `json:"against,omitempty"` // as long as the verdict is an error
	Silent  *Silent  `json:"silent,omitempty"`  // as long as there is no answer
}

// Against counts verdicts in a row that are errors.
type Against struct {
	Since   time.Time `json:"since"`
	Runs    int       `json:"runs"`
	Servers []string  `json:"servers"` // the servers that gave them
	TTL     uint32    `json:"ttl"`     // the longest time to live of them, in seconds
}

// Silent describes checks in a row without an answer.
type Silent struct {
	Since time.Time `json:"since"`
	ID    string    `json:"id"`
	Text  string    `json:"text"`
}

// ErrLater is wrapped by the error for a file that a later version of virtmap
// wrote.
var ErrLater = errors.New("it was written by a later virtmap")

// NewMemory returns the Memory of a first run.
func NewMemory() *Memory { return &Memory{Version: 1, Domains: map[string]*Remembered{}} }

// ParseMemory parses what Encode wrote. An empty text is the Memory of a first run.
func ParseMemory(text []byte) (*Memory, error) {
	if len(text) == 0 {
		return NewMemory(), nil
	}
	var m Memory
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	if m.Version > 1 {
		return nil, fmt.Errorf("version %d: %w", m.Version, ErrLater)
	}
	if m.Version < 1 {
		return nil, errors.New("it has no version")
	}
	if m.Domains == nil {
		m.Domains = map[string]*Remembered{}
	}
	for name, r := range m.Domains {
		if r == nil {
			return nil, fmt.Errorf("nothing is said of %q", name)
		}
		if _, ok := mxcheck.ParseLevel(r.Verdict); !ok && r.Verdict != "" {
			return nil, fmt.Errorf("%q has the verdict %q", name, r.Verdict)
		}
		if r.Against != nil && r.Against.Runs < 1 {
			return nil, errors.New("a run of no answers")
		}
	}
	return &m, nil
}

// Encode returns the content of the file.
func (m *Memory) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// mostRecords is the most records of one domain that are kept.
const mostRecords = 12

// recordAnswer records a verdict that comes from an answer.
func (r *Remembered) recordAnswer(v *mxcheck.Verdict, now time.Time) {
	if now.Sub(r.Checked) > forget {
		r.Against = nil // the domain may have been good in between
	}
	r.Verdict, r.ID, r.Text, r.Advice = v.Level.String(), string(v.ID()), v.Text(), v.Findings[0].Advice
	r.Servers, r.Checked, r.Tried, r.Silent, r.Doubted = v.Servers, now, now, nil, false
	r.Records = nil
	for _, record := range v.Records[:min(len(v.Records), mostRecords)] {
		r.Records = append(r.Records, record.String())
	}
	if v.Level < mxcheck.Error {
		r.LastOK, r.TTL, r.Against, r.Left = now, v.TTL, nil, time.Time{}
	}
}

// countAgainst counts one more verdict that is an error.
func (r *Remembered) countAgainst(v *mxcheck.Verdict, now time.Time) {
	if r.Against == nil {
		r.Against = &Against{Since: now, TTL: r.TTL}
	}
	r.Against.Runs++
	r.Against.TTL = max(r.Against.TTL, v.TTL)
	if r.Zones {
		return // zone files do not confirm an error
	}
	for _, server := range v.Servers {
		if !slices.Contains(r.Against.Servers, server) {
			r.Against.Servers = append(r.Against.Servers, server)
		}
	}
}

// recordSilence records a check without an answer.
func (r *Remembered) recordSilence(v *mxcheck.Verdict, now time.Time) {
	if r.Silent == nil {
		r.Silent = &Silent{Since: now}
	}
	r.Tried, r.Silent.ID, r.Silent.Text = now, string(v.ID()), v.Text()
}

// How often, for how long and by how many servers an error must be confirmed before
// a domain leaves.
const (
	leaveRuns    = 3
	leaveAfter   = 24 * time.Hour
	leaveServers = 2
)

// forget is the longest time between two errors that count as errors in a row.
const forget = 15 * 24 * time.Hour

// confirmed reports whether the error of a domain is confirmed.
func (a *Against) confirmed(now time.Time) bool {
	return a.Runs >= leaveRuns && !now.Before(a.leaves()) && len(a.Servers) >= leaveServers
}

// leaves returns when the domain may leave at the earliest. No cache keeps an answer
// for more than a week (RFC 8767 4).
func (a *Against) leaves() time.Time {
	return a.Since.Add(max(leaveAfter, min(time.Duration(a.TTL)*time.Second, mostTTL)))
}

// mostTTL is the longest time that a cache keeps an answer.
const mostTTL = 7 * 24 * time.Hour
