package config_test

import (
	"testing"

	"ostiary/config"
)

// BenchmarkLoad bounds what a reload costs besides the rules.
func BenchmarkLoad(b *testing.B) {
	source := config.Source{
		Files:    []string{"../testdata/config/good/every-key.yaml"},
		Environ:  []string{"SERVE_PROXY_PORT=4455", "PATH=/bin"},
		Handlers: handlers,
	}
	for b.Loop() {
		if _, err := config.Load(source); err != nil {
			b.Fatal(err)
		}
	}
}
