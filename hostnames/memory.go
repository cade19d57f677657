package hostnames

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"virtmap/mxcheck"
)

// MemoryName is the file of the state folder that holds a Memory.
const MemoryName = "verdicts.json"

// A Memory is what one run remembers of the domains for the next: JSON, one
// member a domain, sorted by name. Times are UTC, in whole seconds.
type Memory struct {
	Version   int                    `json:"version"`
	Announced map[string]time.Time   `json:"announced,omitempty"` // what was said of domains that need a person, and when
	Domains   map[string]*Remembered `json:"domains"`             // by A-labels
}

// Remembered is what is known of one domain.
type Remembered struct {
	Served bool `json:"served"` // by the last run
	Backup bool `json:"backup,omitempty"`

	// The last answer of the DNS, with what it rests on.
	Verdict string    `json:"verdict,omitempty"` // ok, warning, error; empty: there was none yet
	ID      string    `json:"id,omitempty"`
	Text    string    `json:"text,omitempty"`
	Advice  string    `json:"advice,omitempty"`
	Records []string  `json:"records,omitempty"`
	Servers []string  `json:"servers,omitempty"`
	Zones   bool      `json:"zones,omitempty"` // from zone files
	TTL     uint32    `json:"ttl,omitempty"`   // seconds that the last good answer may be kept
	Checked time.Time `json:"checked,omitzero"`
	Tried   time.Time `json:"tried,omitzero"` // last asked, with or without an answer
	LastOK  time.Time `json:"last_ok,omitzero"`
	Left    time.Time `json:"left,omitzero"` // it was served, until then

	// Doubted says that the last answer there was spoke against it, and was
	// not counted, because it looked like an accident.
	Doubted bool `json:"doubted,omitempty"`

	Against *Against `json:"against,omitempty"` // while the answers speak against it
	Silent  *Silent  `json:"silent,omitempty"`  // while there are none
}

// Against is a run of answers that speak against a domain.
type Against struct {
	Since   time.Time `json:"since"`
	Runs    int       `json:"runs"`
	Servers []string  `json:"servers"` // who gave them
	TTL     uint32    `json:"ttl"`     // the longest that one of them may be kept, in seconds
}

// Silent is a run of questions without an answer.
type Silent struct {
	Since time.Time `json:"since"`
	ID    string    `json:"id"`
	Text  string    `json:"text"`
}

// ErrLater is wrapped by the error about a file that a later virtmap wrote.
var ErrLater = errors.New("it was written by a later virtmap")

// NewMemory gives the memory of a first run.
func NewMemory() *Memory { return &Memory{Version: 1, Domains: map[string]*Remembered{}} }

// ParseMemory reads what Encode wrote. No text is a first run's.
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

// Encode gives the file.
func (m *Memory) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// mostRecords bounds what is kept of the records of one domain.
const mostRecords = 12

// take remembers a verdict that is an answer.
func (r *Remembered) take(v *mxcheck.Verdict, now time.Time) {
	if now.Sub(r.Checked) > forget {
		r.Against = nil // what was said so long ago may have been mended in between
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

// speakAgainst remembers one more answer against the domain.
func (r *Remembered) speakAgainst(v *mxcheck.Verdict, now time.Time) {
	if r.Against == nil {
		r.Against = &Against{Since: now, TTL: r.TTL}
	}
	r.Against.Runs++
	r.Against.TTL = max(r.Against.TTL, v.TTL)
	if r.Zones {
		return // a file is no witness of what the world sees
	}
	for _, server := range v.Servers {
		if !slices.Contains(r.Against.Servers, server) {
			r.Against.Servers = append(r.Against.Servers, server)
		}
	}
}

// miss remembers that there was no answer.
func (r *Remembered) miss(v *mxcheck.Verdict, now time.Time) {
	if r.Silent == nil {
		r.Silent = &Silent{Since: now}
	}
	r.Tried, r.Silent.ID, r.Silent.Text = now, string(v.ID()), v.Text()
}

// What it takes until a domain that was served may leave by itself.
const (
	leaveRuns    = 3
	leaveAfter   = 24 * time.Hour
	leaveServers = 2
)

// forget is how far apart two answers may be to count as one run of them.
const forget = 15 * 24 * time.Hour

// confirmed reports whether the answers against a domain came often enough,
// for long enough, and from two servers.
func (a *Against) confirmed(now time.Time) bool {
	return a.Runs >= leaveRuns && !now.Before(a.leaves()) && len(a.Servers) >= leaveServers
}

// leaves is when the domain may leave at the earliest. No cache keeps an answer
// for more than a week (RFC 8767 4).
func (a *Against) leaves() time.Time {
	return a.Since.Add(max(leaveAfter, min(time.Duration(a.TTL)*time.Second, mostTTL)))
}

const mostTTL = 7 * 24 * time.Hour
