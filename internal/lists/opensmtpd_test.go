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
