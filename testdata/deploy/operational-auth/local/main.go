// Command local runs the example on this machine, in one terminal and on loopback: Ostiary, a real Ory Kratos that
// keeps everything in memory, the login page, and two services that have no login of their own. It prints what to
// open and which calls to make, and leaves nothing behind when it ends.
//
//	go run ./testdata/deploy/operational-auth/local
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	port := flag.Int("port", 8080, "the port at which browsers and programs find everything; another one if it is taken")
	engine := flag.String("ostiary", "", "a binary of ostiary (default: the one of this tree, built for the occasion)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *port, *engine)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "operational-auth:", err)
		os.Exit(1)
	}
}

// run starts everything and ends it when the context does.
func run(ctx context.Context, port int, engine string) (err error) {
	defer func() {
		if ctx.Err() != nil { // whatever was interrupted by it
			err = nil
		}
	}()
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	kratos, err := builtKratos(ctx, root)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "operational-auth-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // or the system does it some day
	if engine == "" {
		engine = filepath.Join(dir, "ostiary")
		if err := goCommand(ctx, root, "build", "-o", engine, "./cmd/ostiary").Run(); err != nil {
			return fmt.Errorf("go build ./cmd/ostiary: %w", err)
		}
	}
	site, err := newSite(ctx, filepath.Join(root, "testdata", "deploy", "operational-auth"), dir, port)
	if err != nil {
		return err
	}
	return site.run(ctx, kratos, engine)
}

// run runs everything until the context ends, or Kratos or Ostiary do.
func (s *site) run(ctx context.Context, kratosBinary, engineBinary string) error {
	if err := s.write(); err != nil {
		return err
	}
	pages, err := s.startPages(ctx)
	if err != nil {
		return err
	}
	defer pages.stop()
	kratos, err := s.startKratos(ctx, kratosBinary)
	if err != nil {
		return err
	}
	defer kratos.stop()
	engine, err := s.startEngine(ctx, engineBinary)
	if err != nil {
		return err
	}
	defer engine.stop()
	visitor, err := s.register(ctx)
	if err != nil {
		return err
	}
	s.explain(os.Stdout, visitor)
	select {
	case <-ctx.Done():
		return nil
	case <-kratos.ended:
		return kratos.problem("ended")
	case <-engine.ended:
		return engine.problem("ended")
	}
}
