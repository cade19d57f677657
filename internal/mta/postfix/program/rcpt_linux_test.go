package program

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestAnInstanceThatDoesNotAnswer asks a server that takes connections and says nothing.
// Only Linux lets a client come from 127.0.0.2 at once.
func TestAnInstanceThatDoesNotAnswer(t *testing.T) {
	defer func(usual time.Duration) { answerLimit = usual }(answerLimit)
	answerLimit = 20 * time.Millisecond
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p := &Instance{o: Options{Folder: t.TempDir()}, addr: silent.Addr().String()}
	if _, err := p.RCPT(t.Context(), []string{"info@d.example"}); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}
