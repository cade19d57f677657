package cli

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"virtmap/internal/regular"
	"virtmap/sending"
)

// sendingFiles are the files with which mx --sending compares what the DNS says.
type sendingFiles struct {
	policies    string // a folder of MTA-STS policies
	certificate string // what the server shows in STARTTLS
}

func (f *sendingFiles) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "mta-sts", Destination: &f.policies, TakesFile: true, EnvVars: []string{"VIRTMAP_MTA_STS"},
			Usage: "with --sending, compare the MTA-STS policy in `DIR`/DOMAIN.txt, if there is one, with the MX records and with what HTTPS gives"},
		&cli.StringFlag{Name: "certificate", Destination: &f.certificate, TakesFile: true, EnvVars: []string{"VIRTMAP_CERTIFICATE"},
			Usage: "with --sending, compare TLSA records with the certificates of the PEM `FILE`, the server's own first"},
	}
}

// check refuses the flags without --sending.
func (f *sendingFiles) check(c *cli.Context) error {
	for _, name := range []string{"mta-sts", "certificate"} {
		if c.IsSet(name) && !c.Bool("sending") {
			return usage(fmt.Errorf("--%s goes with --sending", name))
		}
	}
	return nil
}

// readInto reads the certificates into a host, and a policy into each subject.
func (f *sendingFiles) readInto(h *sending.Host, subjects []sending.Subject) (err error) {
	if f.certificate != "" {
		if h.Certificates, err = readCertificates(f.certificate); err != nil {
			return err
		}
		h.CertificateFile = f.certificate
	}
	if f.policies == "" {
		return nil
	}
	if _, err := os.ReadDir(f.policies); err != nil {
		return fmt.Errorf("--mta-sts: %w", err) // without a folder there would be no policy, and nothing to find
	}
	for i := range subjects {
		text, err := regular.ReadIfThere(filepath.Join(f.policies, subjects[i].Domain+".txt"))
		if err != nil {
			return err
		}
		subjects[i].Policy = string(text)
	}
	return nil
}

// readCertificates reads the certificates of a PEM file, in their order.
func readCertificates(path string) (all []*x509.Certificate, err error) {
	text, err := regular.Read(path, regular.MaxBytes)
	if err != nil {
		return nil, err
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", path, err)
		}
		all = append(all, certificate)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%q has no certificate in PEM form", path)
	}
	return all, nil
}
