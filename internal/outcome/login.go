package outcome

// A Login is a user who has logged in, and an address from which the user tries to send: that
// of MAIL FROM, or of From: where a server looks at it.
type Login struct{ User, From string }
