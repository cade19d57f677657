// Virtmap turns one YAML inventory of virtual mail addresses into the files
// that sendmail needs, and shows that they do what the inventory says.
package main

import (
	"context"
	"os"

	"virtmap/internal/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), os.Args, cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
