//go:build !linux

package conf

// listening finds no sendmail without its pid file here.
func listening() (d Daemon, runs bool) { return d, false }
