package virtuser

import "strings"

// splitDetail splits a local part as sendmail's pattern $+ + $* does: at the first plus
// that is not the first character.
func splitDetail(local string) (user, detail string, plus bool) {
	at := strings.IndexByte(local[min(1, len(local)):], '+')
	if at < 0 {
		return local, "", false
	}
	return local[:at+1], local[at+2:], true
}

// A binding has the values of %0 to %3 after a key has matched.
type binding [4]string

// substitute puts the parameters into a right side. A parameter without a value is
// empty, and %% is a percent sign (sendmail/map.c, map_rewrite).
func (b binding) substitute(right string) string {
	if !strings.Contains(right, "%") {
		return right
	}
	var out strings.Builder
	for i := 0; i < len(right); i++ {
		if right[i] != '%' || i+1 == len(right) {
			out.WriteByte(right[i])
			continue
		}
		switch i++; {
		case right[i] == '%':
			out.WriteByte('%')
		case '0' <= right[i] && right[i] <= '9':
			if n := int(right[i] - '0'); n < len(b) {
				out.WriteString(b[n])
			}
		default:
			out.WriteByte('%')
			out.WriteByte(right[i])
		}
	}
	return out.String()
}
