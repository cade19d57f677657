// Virtmap turns one YAML inventory of virtual mail addresses into the files
// that sendmail needs, and shows that they do what the inventory says.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"virtmap/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(cli.Run(ctx, os.Args, cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
