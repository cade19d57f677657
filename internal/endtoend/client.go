package endtoend

import (
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"

	"virtmap/internal/outcome"
)

// A client is a connection to the receiver with net/smtp.
type client struct {
	*smtp.Client
	name string // the name of the connection in the receiver
}

func dial(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &client{Client: c, name: conn.LocalAddr().String()}, c.Hello("client.invalid")
}

// send sends a message to a recipient, and returns the outcome.
func (c *client) send(from, to string) (outcome.Outcome, error) {
	if err := c.Mail(from); err != nil {
		return outcome.Outcome{}, err
	}
	err := c.Rcpt(to)
	var refused *textproto.Error
	switch {
	case errors.As(err, &refused):
		return outcome.OfReply(refused.Code, refused.Msg), c.Reset()
	case err != nil:
		return outcome.Outcome{}, err
	}
	w, err := c.Data()
	if err != nil {
		return outcome.Outcome{}, err
	}
	_, err = fmt.Fprintf(w, "To: <%s>\r\nSubject: virtmap test\r\n\r\n.\r\n", to)
	return outcome.Outcome{Taken: true}, errors.Join(err, w.Close())
}
