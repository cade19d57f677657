package importer

import (
	"fmt"
	"regexp"
)

// answer returns the YAML of the server's present answer for a key.
func (s *Server) answer(key string) string {
	out := s.outcome(key)
	return refusal(out.Code, out.Status, out.Text)
}

// refused returns the YAML of the refusal of a key, without its text. A code or status
// that an inventory cannot have is replaced.
func (s *Server) refused(key string) string {
	out := s.outcome(key)
	code, status := out.Code, out.Status
	if !plainStatus.MatchString(status) {
		status = ""
	}
	switch class, usual := code/100, code%100 < 60; {
	case class == 4 && !usual:
		code = usualDefer
	case class == 5 && !usual:
		code = usualReject
	case out.Taken:
		return "reject"
	}
	return refusal(code, status, "")
}

// The default reply codes of reject and defer.
const (
	usualReject = 550
	usualDefer  = 450
)

// plainStatus matches an enhanced status code of RFC 3463.
var plainStatus = regexp.MustCompile(`^[45](\.(0|[1-9]\d{0,2})){2}$`)

// refusal returns the shortest YAML of a reply. A status of another class than the code
// is replaced.
func refusal(code int, status, text string) string {
	word, usual, plain := "reject", usualReject, "5.1.1"
	if code < 500 {
		word, usual, plain = "defer", usualDefer, "4.2.1"
	}
	if status == "" || status[0] != plain[0] {
		status = plain[:1] + ".0.0"
	}
	codes := fmt.Sprintf("code: %d, status: %s", code, status)
	switch {
	case code == usual && status == plain && (text == "" || word == "reject" && text == unknownUser):
		return word
	case code == usual && status == plain:
		return fmt.Sprintf("{%s: %s}", word, quoted(text))
	case text == "":
		return fmt.Sprintf("{%s: {%s}}", word, codes)
	}
	return fmt.Sprintf("{%s: {%s, text: %s}}", word, codes, quoted(text))
}

// unknownUser is the text of a plain reject.
const unknownUser = "User unknown"
