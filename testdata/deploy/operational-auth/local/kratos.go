package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const kratosModule = "github.com/ory/kratos"

// builtKratos is Kratos, as the module in testdata/e2e/kratos says. It is built where and how `make e2e` does it, so
// that who has run one need not wait for the other.
func builtKratos(ctx context.Context, root string) (string, error) {
	module := filepath.Join(root, "testdata", "e2e", "kratos")
	version, err := kratosVersion(ctx, module)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "ostiary", "e2e", "kratos-"+version)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Fprintf(os.Stderr, "Building Kratos %s, which takes several minutes and a C compiler, and happens once.\n", version)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", err
	}
	// What was not built to its end never gets the name that is looked for.
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	defer func() { _ = os.Remove(partial) }() // it has that name now, or is of no use
	build := goCommand(ctx, module, "build", "-mod=readonly", "-trimpath", "-tags=sqlite,json1", "-ldflags=-s -w", "-o", partial, kratosModule)
	build.Env = append(build.Env, "CGO_ENABLED=1") // for SQLite
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building Kratos %s: %w", version, err)
	}
	return path, os.Rename(partial, path)
}

// kratosVersion is the one that the module requires.
func kratosVersion(ctx context.Context, module string) (string, error) {
	command := goCommand(ctx, module, "mod", "edit", "-json")
	command.Stdout = nil
	text, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("the module of Kratos: %w", err)
	}
	var read struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return "", err
	}
	for _, required := range read.Require {
		if required.Path == kratosModule {
			return required.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", module, kratosModule)
}

// goCommand is a go command in a directory.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // they are this program's own
	command.Dir, command.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) } // it tidies up after itself
	return command
}

// moduleRoot is the directory of the module that this is run in.
func moduleRoot(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	file := strings.TrimSpace(string(text))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("this has to be run in Ostiary's source tree")
	}
	return filepath.Dir(file), nil
}

// person is somebody with an account.
type person struct{ id, email, password string }

// register makes an account, as operators do, with the admin API.
func (s *site) register(ctx context.Context) (person, error) {
	p := person{email: "ada@example.com", password: strings.ToLower(rand.Text()[:12])}
	body, err := json.Marshal(map[string]any{
		"schema_id": "person", "traits": map[string]any{"email": p.email},
		"credentials": map[string]any{"password": map[string]any{"config": map[string]any{"password": p.password}}},
	})
	if err != nil {
		return p, err
	}
	var made struct{ ID string }
	err = ask(ctx, http.MethodPost, "http://"+s.admin+"/admin/identities", bytes.NewReader(body), http.StatusCreated,
		func(answer io.Reader) error { return json.NewDecoder(answer).Decode(&made) })
	p.id = made.ID
	return p, err
}
