//go:build !linux

package program

import (
	"errors"
	"os/exec"
	"syscall"
)

func privateAccounts(*exec.Cmd, string, string) error {
	return errors.New("only Linux can give a program private accounts")
}

// gone reports whether a process group has no process left.
func gone(group int) bool { return errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) }
