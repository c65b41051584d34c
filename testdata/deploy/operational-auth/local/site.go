package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// site is where everything is on this machine. Addresses are host:port.
type site struct {
	example fs.FS  // the directory of the example
	dir     string // the one that its files are put into

	domain                 string // with a port, as browsers see it
	proxy, api, prometheus string // Ostiary
	public, admin          string // Kratos
	login, metrics, alerts string // the login page, and the services

	secrets map[string]string
}

func newSite(ctx context.Context, example, dir string, port int) (*site, error) {
	s := &site{example: os.DirFS(example), dir: dir, secrets: make(map[string]string)}
	var err error
	if s.proxy, err = freeAddress(ctx, port); err != nil {
		return nil, err
	}
	for _, address := range []*string{&s.api, &s.prometheus, &s.public, &s.admin, &s.login, &s.metrics, &s.alerts} {
		if *address, err = freeAddress(ctx, 0); err != nil {
			return nil, err
		}
	}
	_, found, err := net.SplitHostPort(s.proxy)
	s.domain = "ops.localhost:" + found
	return s, err
}

// freeAddress is the wanted port of the loopback interface, or another one if it is taken.
func freeAddress(ctx context.Context, wanted int) (string, error) {
	var err error
	for _, port := range []int{wanted, 0} {
		var socket net.Listener
		if socket, err = new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return socket.Addr().String(), socket.Close() // it was only asked whether it is free
		}
	}
	return "", err
}

// host is a host of the site as browsers know it.
func (s *site) host(name string) string { return "http://" + name + "." + s.domain }

// write puts the files of the deployment into the directory. They are what Kubernetes gets, but for the addresses.
func (s *site) write() error {
	name, _, _ := strings.Cut(s.domain, ":")
	addresses := strings.NewReplacer(
		"https://", "http://", ".ops.example.com", "."+s.domain, "ops.example.com", name,
		"http://kratos-public", "http://"+s.public, "http://kratos-admin", "http://"+s.admin,
		"http://ostiary-api:4456", "http://"+s.api, "http://login", "http://"+s.login,
		"http://metrics:8428", "http://"+s.metrics, "http://alerts:9093", "http://"+s.alerts,
		"file:///etc/rules", "file://"+s.dir,
	)
	for _, file := range []string{"ostiary.yaml", "access-rules.json", "kratos.yaml", "identity.schema.json", "purge.jsonnet"} {
		text, err := fs.ReadFile(s.example, file)
		if err != nil {
			return err
		}
		here := []byte(addresses.Replace(string(text)))
		if err := os.WriteFile(filepath.Join(s.dir, file), here, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// secret is one that was made up for this time.
func (s *site) secret(key string) string {
	if s.secrets[key] == "" {
		s.secrets[key] = (rand.Text() + rand.Text())[:32]
	}
	return s.secrets[key]
}
