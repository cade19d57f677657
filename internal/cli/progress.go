package cli

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress returns a function to call for every step. It shows nothing if standard
// error is not a terminal, or if the run is short.
func progress(doing string, steps int, stdio Stdio) (step func()) {
	if !isTerminal(stdio.Err) {
		return func() {}
	}
	var bar *progressbar.ProgressBar
	start, done := time.Now(), 0
	return func() {
		done++
		if bar == nil && time.Since(start) > time.Second && done < steps {
			bar = progressbar.NewOptions(steps, progressbar.OptionSetWriter(stdio.Err), progressbar.OptionSetDescription(doing),
				progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(true))
			_ = bar.Set(done) // an error does not matter
		} else if bar != nil {
			_ = bar.Add(1)
		}
	}
}
