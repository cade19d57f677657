package cli

import (
	"github.com/urfave/cli/v2"

	"virtmap/inventory"
)

func schemaCommand(stdio Stdio) *cli.Command {
	var included bool
	return &cli.Command{
		Name: "schema", Usage: "print the JSON Schema of an inventory, for editors",
		Description: `Editors complete and check an inventory with the schema. An editor with the YAML
language server finds it by the first line, which init writes:

  # yaml-language-server: $schema=virtmap.schema.json

The schema is never stricter than check. check finds more: whether a user is
declared, loops, and everything that depends on more than one value.

Examples:
  virtmap schema > virtmap.schema.json
  virtmap schema --included > domains/virtmap.schema.json`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "included", Destination: &included, EnvVars: []string{"VIRTMAP_INCLUDED"},
			Usage: "print the schema of the files that an inventory includes"}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			text, err := inventory.Schema(included)
			if err != nil {
				return exit(exitSoftware, err)
			}
			if _, err := stdio.Out.Write(text); err != nil {
				return exit(exitIO, err)
			}
			return nil
		},
	}
}
