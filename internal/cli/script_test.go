package cli

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"virtmap": func() {
			os.Exit(Run(context.Background(), os.Args, Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// TestScripts runs the sessions of testdata/script, with the program as a process.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			example, err := os.ReadFile("../../testdata/example/mail.yaml")
			if err != nil {
				return err
			}
			if err := os.CopyFS(filepath.Join(env.WorkDir, "zones"), os.DirFS("../../testdata/example/zones")); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "example.yaml"), example, 0o644)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "dialogue": dialogue},
	})
}

// exits runs the program and compares its exit code, as in: exits 64 virtmap bild.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		var status interface{ ExitCode() int }
		if s, ok := err.(interface{ ExitCode() int }); ok {
			status = s
			code = strconv.Itoa(status.ExitCode())
		}
	}
	if code != args[0] {
		ts.Fatalf("%v exits with %s, want %s (%v)", args[1:], code, args[0], err)
	}
}
