package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Renew copies the tables again, and runs a command of a shell, such as smtpctl update
// table, beside smtpd.
func (s *Server) Renew(ctx context.Context, command string) error {
	if err := s.copyTables(); err != nil {
		return err
	}
	parent := strconv.Itoa(s.cmd.Process.Pid)
	child, err := os.ReadFile(filepath.Join("/proc", parent, "task", parent, "children"))
	if err != nil {
		return err
	}
	pid := strings.TrimSpace(string(child))
	if pid == "" {
		return errors.New("smtpd has ended")
	}
	cmd := exec.CommandContext(ctx, "nsenter", "--target", pid, "--mount", "/bin/sh", "-c", command)
	cmd.Env = []string{"PATH=/run/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "failed") {
		return fmt.Errorf("%.200s: %w: %s", command, err, out)
	}
	return nil
}
