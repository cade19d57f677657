package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mta"
	"virtmap/internal/smtpd"
)

type receiveArgs struct {
	installed          installedArgs
	listen, store, pem string
	http               string
	public, tls, lmtp  bool
	transcript, quiet  bool
	faults             faultRules
	messages           int
	within             time.Duration
	limits             smtpd.Config // only the limits are used
}

func (a *receiveArgs) flags() []cli.Flag {
	l := &a.limits
	a.installed.live = true
	return append(append([]cli.Flag{mapsFlag(&a.installed.maps, kindDirs(), "answer from the installed files of `DIR`")}, a.installed.serverFlags()...),
		&cli.StringFlag{Name: "inventory", Aliases: []string{"i"}, Destination: &a.installed.inventory, TakesFile: true, EnvVars: []string{"VIRTMAP_INVENTORY"},
			Usage: "take the server's name and accounts from the inventory `FILE`"},
		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:2525", Destination: &a.listen, EnvVars: []string{"VIRTMAP_LISTEN"},
			Usage: "listen on `ADDR`:PORT, port 0 for any that is free"},
		&cli.BoolFlag{Name: "listen-public", Destination: &a.public, EnvVars: []string{"VIRTMAP_LISTEN_PUBLIC"},
			Usage: "let --listen name an address that other machines can reach"},
		&cli.StringFlag{Name: "http", Destination: &a.http, EnvVars: []string{"VIRTMAP_HTTP"},
			Usage: "show the newest messages at `ADDR`:PORT, such as 127.0.0.1:8025, as a page and to clients of Mailpit"},
		&cli.StringFlag{Name: "store", Value: "none", Destination: &a.store, EnvVars: []string{"VIRTMAP_STORE"},
			Usage: "keep accepted messages in `WHERE`: maildir:DIR or mbox:DIR, which gets one for each mailbox, or none"},
		&cli.BoolFlag{Name: "tls", Destination: &a.tls, EnvVars: []string{"VIRTMAP_TLS"},
			Usage: "offer STARTTLS, with a certificate made for this run"},
		&cli.StringFlag{Name: "tls-pem", Destination: &a.pem, TakesFile: true, EnvVars: []string{"VIRTMAP_TLS_PEM"},
			Usage: "with --tls: write the certificate to `FILE`, for clients that check it"},
		&cli.BoolFlag{Name: "lmtp", Destination: &a.lmtp, EnvVars: []string{"VIRTMAP_LMTP"}, Usage: "speak LMTP (RFC 2033)"},
		&cli.GenericFlag{Name: "fault", Value: &a.faults, EnvVars: []string{"VIRTMAP_FAULT"},
			Usage: "fail on demand by a `RULE`: COMMAND PATTERN [xN], then CODE STATUS TEXT, or drop, or delay TIME; repeatable"},
		&cli.IntFlag{Name: "messages", Destination: &a.messages, EnvVars: []string{"VIRTMAP_MESSAGES"},
			Usage: "stop when `N` messages have come"},
		&cli.DurationFlag{Name: "within", Destination: &a.within, EnvVars: []string{"VIRTMAP_WITHIN"},
			Usage: "stop after `TIME`, such as 30s; exit with 1 when fewer than --messages have come"},
		&cli.BoolFlag{Name: "transcript", Destination: &a.transcript, EnvVars: []string{"VIRTMAP_TRANSCRIPT"},
			Usage: "print the SMTP dialogue, without the messages, on standard error"},
		&cli.IntFlag{Name: "max-size", Value: 10 << 20, Destination: &l.MaxSize, EnvVars: []string{"VIRTMAP_MAX_SIZE"}, Usage: "take messages of at most `N` bytes"},
		&cli.IntFlag{Name: "max-recipients", Value: 1000, Destination: &l.MaxRecipients, EnvVars: []string{"VIRTMAP_MAX_RECIPIENTS"}, Usage: "take at most `N` recipients a message"},
		&cli.IntFlag{Name: "max-line", Value: 4096, Destination: &l.MaxLine, EnvVars: []string{"VIRTMAP_MAX_LINE"}, Usage: "take command lines of at most `N` bytes"},
		&cli.IntFlag{Name: "max-connections", Value: 100, Destination: &l.MaxConns, EnvVars: []string{"VIRTMAP_MAX_CONNECTIONS"}, Usage: "serve at most `N` connections at once"},
		&cli.DurationFlag{Name: "read-timeout", Value: 5 * time.Minute, Destination: &l.ReadTimeout, EnvVars: []string{"VIRTMAP_READ_TIMEOUT"}, Usage: "wait at most `TIME` for a client's next bytes"},
		&cli.DurationFlag{Name: "session-timeout", Value: time.Hour, Destination: &l.SessionTimeout, EnvVars: []string{"VIRTMAP_SESSION_TIMEOUT"}, Usage: "let a session last at most `TIME`"},
		quietFlag(&a.quiet),
	)
}

func receiveCommand(stdio Stdio) *cli.Command {
	var a receiveArgs
	return &cli.Command{
		Name:  "receive",
		Usage: "answer SMTP as the installed files say",
		Description: `Takes real SMTP, and answers each recipient as the mail server would with the
installed files, in its words. It delivers nothing. For every accepted message it
prints a line of JSON on standard output: client, envelope, size, and the mailboxes
where each recipient ends. --store keeps the messages too, in Maildirs byte for
byte.

With --http it shows the newest 500 messages (64 MiB) on a page of this machine:
text, HTML without what it would fetch, attachments, the SMTP dialogue, where each
recipient ends, and by which keys. Clients of Mailpit's API, such as mailpit-api,
work with it.

A file that is replaced or changed counts from the next recipient on (files are
looked at again after a quarter of a millisecond). While a map is missing or
damaged, the answer is 451 4.3.0.

It ends at a signal, after --messages or after --within, and prints a summary.

Examples:
  virtmap receive --maps out -i mail.yaml
  virtmap receive --maps out -i mail.yaml --http localhost:8025
  virtmap receive --store maildir:/tmp/mail --tls --messages 1 --within 30s
  virtmap receive --fault 'RCPT *anna@* x2 451 4.3.0 try later' \
                  --fault '. * delay 5s'`,
		Flags:        a.flags(),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := notEmpty(c, "maps", "accounts", "host", "inventory", "listen", "http", "store", "tls-pem"); err != nil {
				return err
			}
			if err := a.installed.check(c); err != nil {
				return err
			}
			return receive(c.Context, a, stdio)
		},
	}
}

// config returns the configuration of the receiver, without Router and Store.
func (a *receiveArgs) config(host string) (smtpd.Config, error) {
	c := a.limits
	c.Host, c.LMTP = host, a.lmtp
	for _, limit := range []struct {
		name string
		n    int
	}{{"max-size", c.MaxSize}, {"max-recipients", c.MaxRecipients}, {"max-line", c.MaxLine}, {"max-connections", c.MaxConns},
		{"read-timeout", int(c.ReadTimeout)}, {"session-timeout", int(c.SessionTimeout)}} {
		if limit.n <= 0 {
			return c, usage(fmt.Errorf("--%s must be above zero", limit.name))
		}
	}
	if a.messages < 0 || a.within < 0 {
		return c, usage(errors.New("--messages and --within are not below zero"))
	}
	c.Failures = a.faults.all
	if a.pem != "" && !a.tls {
		return c, usage(errors.New("--tls-pem goes with --tls"))
	}
	if !a.tls {
		return c, nil
	}
	secure, pem, err := smtpd.SelfSigned(host)
	if err != nil {
		return c, exit(exitSoftware, err)
	}
	c.TLS = secure
	if a.pem != "" {
		return c, machineExit(writeWhole(a.pem, pem), exitCannotWrite)
	}
	return c, nil
}

// faultRules are the rules of --fault. A slice flag would split a text at its commas.
type faultRules struct{ all []*smtpd.Failure }

// Set adds a rule.
func (r *faultRules) Set(rule string) error {
	fault, err := smtpd.ParseFailure(rule)
	if err == nil {
		r.all = append(r.all, fault)
	}
	return err
}

func (r *faultRules) String() string { return "" }

// where returns the store that --store names.
func (a *receiveArgs) where() (smtpd.Store, error) {
	kind, dir, _ := strings.Cut(a.store, ":")
	switch {
	case a.store == "none":
		return nowhere{}, nil
	case kind == "maildir" && dir != "":
		return &smtpd.Maildir{Dir: dir}, nil
	case kind == "mbox" && dir != "":
		return &smtpd.Mbox{Dir: dir}, nil
	}
	return nil, usage(fmt.Errorf("--store %q: it is maildir:DIR, mbox:DIR or none", a.store))
}

type nowhere struct{}

func (nowhere) Deliver(smtpd.Message) error { return nil }

// bind listens on the address. An address that other machines can reach needs a flag.
func (a *receiveArgs) bind() (net.Listener, error) {
	host, _, err := net.SplitHostPort(a.listen)
	if err != nil {
		return nil, usage(fmt.Errorf("--listen %q: write ADDRESS:PORT, such as 127.0.0.1:2525", a.listen))
	}
	ip, err := netip.ParseAddr(host)
	if loopback := strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback(); !loopback && !a.public {
		return nil, exit(exitRefused, fmt.Errorf("--listen %s can be reached by other machines, and this receiver knows no access control; --listen-public allows it", a.listen))
	}
	listener, err := net.Listen("tcp", a.listen)
	return listener, machineExit(err, exitIO)
}

func receive(ctx context.Context, a receiveArgs, stdio Stdio) (err error) {
	store, err := a.where()
	if err != nil {
		return err
	}
	listener, err := a.bind()
	if err != nil {
		return err
	}
	defer listener.Close() // after sessions were served it is closed already
	window, err := a.bindHTTP()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, window.close()) }()
	server, err := a.installed.server(stdio)
	if err != nil {
		return err
	}
	a.installed.maps = server.dir
	config, err := a.config(server.host.Name)
	if err != nil {
		return err
	}
	live, err := fileset.OpenLive(func() (mta.Set, error) {
		return server.kind.Open(mta.Place{Dir: server.dir}, server.host)
	}, func(warnings []string) { warn(stdio, warnings) })
	if err != nil {
		return machineExit(err, exitNoInput)
	}
	defer func() { err = errors.Join(err, live.Close()) }()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if a.within > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, a.within)
		defer end()
	}
	policy := newReception(live, store, stdio)
	if a.transcript {
		config.Transcript = policy.transcript
	}
	window.open(ctx, &config, policy, live)
	if window != nil && !a.quiet {
		policy.say("the messages are at " + window.url())
	}
	return a.serve(ctx, config, policy, listener)
}

// serve answers until the context ends, or until the limit of messages.
func (a *receiveArgs) serve(ctx context.Context, config smtpd.Config, policy *receiver, listener net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	policy.stop, policy.limit = stop, a.messages
	config.Router, config.Store = policy, policy
	if !a.quiet {
		policy.say("listening on " + listener.Addr().String() + ", answering from " + a.installed.maps)
	}
	// On loopback the client is on this machine too. With one processor left for the
	// client, client and receiver can run at the same time.
	if cpus := runtime.GOMAXPROCS(0); cpus > 1 && listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cpus - 1))
	}
	if err := smtpd.New(config).Serve(ctx, listener); err != nil {
		return exit(exitIO, err)
	}
	if !a.quiet {
		policy.say(policy.summary())
	}
	switch {
	case policy.broken != nil:
		return exit(exitIO, policy.broken)
	case policy.messages < a.messages:
		return exit(exitProblems, fmt.Errorf("%d of %s came", policy.messages, diag.Count(a.messages, "message")))
	}
	return nil
}
