package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// How long a process may take to start, and to stop before it is killed.
const (
	startLimit = 60 * time.Second
	stopLimit  = 10 * time.Second
)

// process is a server that was started.
type process struct {
	name    string
	command *exec.Cmd
	log     string        // the file that has all it printed; empty: the terminal has
	ended   chan struct{} // closed when it is gone
}

// startKratos starts Kratos with its configuration, and is back when it serves.
func (s *site) startKratos(ctx context.Context, binary string) (*process, error) {
	variables, err := s.variables("kratos")
	if err != nil {
		return nil, err
	}
	variables = append(variables, "DSN=memory",
		"SELFSERVICE_METHODS_PASSWORD_CONFIG_HAVEIBEENPWNED_ENABLED=false") // which is somewhere else
	variables = append(variables, listening("PUBLIC", s.public)...)
	variables = append(variables, listening("ADMIN", s.admin)...)
	log, err := os.Create(filepath.Join(s.dir, "kratos.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has it open itself
	// Without TLS, browsers only get its cookies in the mode for development.
	command := exec.Command(binary, "serve", "--config", "kratos.yaml", "--sqa-opt-out", "--dev") //nolint:noctx // it is stopped in order
	command.Dir, command.Env, command.Stdout, command.Stderr = s.dir, variables, log, log
	return start(ctx, &process{name: "Kratos", command: command, log: log.Name()}, "http://"+s.admin+"/admin/health/ready")
}

// startEngine starts Ostiary, and is back when it serves.
func (s *site) startEngine(ctx context.Context, binary string) (*process, error) {
	variables, err := s.variables("ostiary")
	if err != nil {
		return nil, err
	}
	variables = append(variables, "LOG_FORMAT=text")
	for name, address := range map[string]string{"PROXY": s.proxy, "API": s.api, "PROMETHEUS": s.prometheus} {
		variables = append(variables, listening(name, address)...)
	}
	command := exec.Command(binary, "serve", "--config", "ostiary.yaml") //nolint:noctx // it is stopped in order
	command.Dir, command.Env, command.Stdout, command.Stderr = s.dir, variables, os.Stderr, os.Stderr
	return start(ctx, &process{name: "Ostiary", command: command}, "http://"+s.api+"/health/ready")
}

// listening are the variables that put a listener at an address.
func listening(listener, address string) []string {
	host, port, _ := net.SplitHostPort(address)
	return []string{"SERVE_" + listener + "_HOST=" + host, "SERVE_" + listener + "_PORT=" + port}
}

// start starts a process and is back when the address answers.
func start(ctx context.Context, p *process, address string) (*process, error) {
	// Ctrl-C is for this program, which stops the others in their order.
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.ended = make(chan struct{})
	go func() {
		_ = p.command.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	if err := p.await(ctx, address); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *process) await(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if err := ask(ctx, http.MethodGet, address, nil, http.StatusOK, nil); err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return p.problem("does not start")
		case <-ctx.Done():
			return p.problem("does not answer")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// problem is an error with the end of what the process printed.
func (p *process) problem(what string) error {
	text := []byte("see above")
	if p.log != "" {
		text, _ = os.ReadFile(p.log) // if it cannot be read, there is less to say
	}
	return fmt.Errorf("%s %s (%v): %s", p.name, what, p.command.ProcessState, text[max(0, len(text)-2000):])
}

// stop is back when the process is gone.
func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // or it has ended
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// ask sends a request, and reads the answer if that has the status.
func ask(ctx context.Context, method, address string, body io.Reader, want int, read func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // what is left of it is of no interest
	if response.StatusCode != want {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 2000))
		return fmt.Errorf("%s %s: %s %s", method, address, response.Status, text)
	}
	if read == nil {
		return nil
	}
	return read(response.Body)
}
