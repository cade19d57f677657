package route

import (
	"strings"

	"virtmap/internal/mta/postfix/table"
)

// recipientAccess applies check_recipient_access (access(5)).
func (s *session) recipientAccess(spec string, absent bool) verdict {
	if absent {
		return verdict{}
	}
	if s.to.failed {
		return s.refuse(*lookupError)
	}
	how := asAccess
	if !s.r.belowAccess {
		how |= dotted
	}
	value, _, ok, err := s.look(s.r.accessTable(spec), s.to.addr, how)
	if err != nil {
		return s.refuse(reply{451, "4.3.5", recipient, serverFault})
	}
	if !ok {
		return verdict{}
	}
	v := s.result(value)
	if v.permitted && s.to.routed && !s.r.untrustedRoutes {
		return verdict{}
	}
	return v
}

// result applies the right side of a row of an access table.
func (s *session) result(value string) verdict {
	end := strings.IndexAny(value+" ", " \t")
	word, text := value[:end], strings.TrimLeft(value[end:], " \t\n\v\f\r")
	if v, ok := s.action(strings.ToUpper(word), text); ok {
		return v
	}
	switch {
	case strings.Trim(value, "0123456789") == "":
		return permit
	case len(word) == 3 && text != "" && (word[0] == '4' || word[0] == '5') && strings.Trim(word, "0123456789") == "":
		code := int(word[0]-'0')*100 + int(word[1]-'0')*10 + int(word[2]-'0')
		return s.rejected(code, word[:1]+".7.1", text, "Access denied")
	case strings.EqualFold(word, "OK"), strings.EqualFold(word, "RELAY"):
		return permit
	case strings.Contains(value, ":"), s.depth > 100:
		return s.refuse(*serverError)
	}
	list := table.Split(value)
	if len(list) == 0 {
		return permit
	}
	return s.run(list, recipient, false)
}

// rejected refuses the recipient with the text of a row, which may begin with a status.
func (s *session) rejected(code int, usual, text, without string) verdict {
	return s.refuse(ofRow(code, usual, text, without))
}

func ofRow(code int, usual, text, without string) reply {
	status, text := cutStatus(text, usual)
	if text == "" {
		text = without
	}
	return reply{code, ofAddress(status, recipient), recipient, text}
}

// action applies a right side that begins with the word of an action. known is false
// for another word.
func (s *session) action(word, text string) (v verdict, known bool) {
	switch word {
	case "DUNNO", "INFO", "WARN", "FILTER":
	case "REJECT":
		v = s.rejected(s.r.codes["access_map_reject_code"], "5.7.1", text, "Access denied")
	case "DEFER":
		v = s.rejected(s.r.codes["access_map_defer_code"], "4.7.1", text, "Access denied")
	case "DEFER_IF_PERMIT":
		v = s.later(ofRow(s.r.codes["access_map_defer_code"], "4.7.1", text, "Service unavailable"))
	case "DEFER_IF_REJECT":
		if p := ofRow(s.r.codes["access_map_defer_code"], "4.7.1", text, "Service unavailable"); s.ifReject == nil {
			s.ifReject = &p
		}
	case "HANGUP":
		v = verdict{refused: &reply{421, "4.7.0", bare, "smtpd hangs up without a reply"}}
	case "HOLD":
		s.holds = true
	case "DISCARD":
		s.discards, v = true, permit
	case "REDIRECT":
		if strings.Contains(text, "@") {
			s.redirect = text
		}
	case "BCC":
		if strings.Contains(text, "@") {
			s.bcc = append(s.bcc, text)
		}
	case "PREPEND":
	default:
		return verdict{}, false
	}
	return v, true
}
