package lists

import "testing"

func TestOpenSMTPD(t *testing.T) {
	check(t, "opensmtpd", []situation{
		{"keys and targets", "# all\ninfo@a.example ann, bob@far.example\nnews@a.example:\tann\n  @a.example: bea\n",
			"  # all\nf:2 address [info@a.example] [ann, bob@far.example]\nf:3 address [news@a.example] [ann]\nf:4 address [@a.example] [bea]\n"},
		{"refusals", "old@a.example error:550 Ann has left\nbusy@a.example error:421 being moved\n",
			"f:1 address [old@a.example] [error:5.1.1:550 Ann has left]\nf:2 address [busy@a.example] [error:4.2.1:421 being moved]\n"},
		{"what stands for more than an address", "root ann\n@ ann\n",
			"f:1 left [root ann] a name alone stands for the name at every domain: list the addresses\n" +
				"f:2 left [@ ann] it stands for every name of every domain: list the domains, each with @ before it\n"},
		{"no targets", "info@a.example\nall@a.example :include:/etc/all\n",
			"f:1 left [info@a.example] it has no target\n" +
				"f:2 left [all@a.example :include:/etc/all] the list in the file that it includes is not read: list the members, or put it into the server's aliases\n"},
	})
}

func TestListsAsWritten(t *testing.T) {
	for _, s := range []struct{ kind, text, want string }{
		{openSMTPDData, "root: ann\n@ error:550 5.1.1 none, really\nx@a.example  :include:/etc/all\n",
			"f:1 address [root] [ann]\nf:2 address [@] [error:550 5.1.1 none, really]\nf:3 address [x@a.example] [:include:/etc/all]\n"},
		{openSMTPDData, "info@a.example\n", "f:1 left [info@a.example] it has no value, and smtpd does not start with it\n"},
		{eximData, "Info : ann,\n\tbob\n*: :fail: 550 no\nempty:\n# why\n  lost\nx*: ann\nann@a.example: ann\n",
			"f:1 address [Info@] [ann, bob]\nf:3 address [@] [:fail: 550 no]\nf:4 address [empty@] []\n" +
				"  # why\nf:6 left [lost] it begins with a blank, and there is no line with which it could go on\n" +
				"f:7 left [x*: ann] its key is a pattern: list the addresses that it stands for\n" +
				"f:8 left [ann@a.example: ann] Exim looks up the name alone, without its domain\n"},
	} {
		if got := shown(parse(s.kind, "f", s.text)); got != s.want {
			t.Errorf("%q becomes\n%s\nand not\n%s", s.text, got, s.want)
		}
	}
}

func TestDomains(t *testing.T) {
	check(t, "domains", []situation{
		{"one on each line", "# @list\na.example\n  B.example\n\na.example x\ninfo@a.example\n",
			"  # @list\nf:2 domain [a.example] []\nf:3 domain [B.example] []\nf:5 left [a.example x] it is not a domain alone\nf:6 left [info@a.example] it is not a domain alone\n"},
	})
}
