package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/config"
)

// TestWhatNeedsARestart changes each key below serve and log, one at a time. A key that is new here needs a restart until
// somebody makes it take effect.
func TestWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	var live []string
	visit(reflect.ValueOf(config.Config{}), func(key string, change func(*config.Config)) {
		if !strings.HasPrefix(key, "serve.") && !strings.HasPrefix(key, "log.") || strings.Contains(key, ".tls.") {
			return
		}
		after := new(config.Config)
		change(after)
		switch needed := restartNeeded(new(config.Config), after); {
		case len(needed) == 0:
			live = append(live, key)
		case !slices.Equal(needed, []string{key}):
			t.Errorf("%s changes, and %v need a restart", key, needed)
		}
	})
	want := []string{"serve.admin.token", "serve.shutdown.delay", "serve.shutdown.timeout"}
	for _, listener := range []string{"proxy", "api", "grpc"} {
		for _, key := range []string{"limits.header_lines", "limits.target_bytes", "limits.requests", "trust_forwarded_headers", "trusted_proxies"} {
			want = append(want, "serve."+listener+"."+key)
		}
		if listener == "grpc" {
			continue
		}
		for _, key := range []string{"limits.body_bytes", "forwarded_headers", "dialect"} {
			want = append(want, "serve."+listener+"."+key)
		}
		for field := range reflect.TypeFor[config.CORS]().Fields() {
			want = append(want, "serve."+listener+".cors."+field.Tag.Get("json"))
		}
	}
	slices.Sort(want)
	slices.Sort(live)
	if diff := cmp.Diff(want, live); diff != "" {
		t.Errorf("what takes effect without a restart (-want +got):\n%s", diff)
	}
}

// visit calls found for each key of a configuration, with what changes it.
func visit(of reflect.Value, found func(key string, change func(*config.Config))) {
	var walk func(at []int, key string, of reflect.Type)
	walk = func(at []int, key string, of reflect.Type) {
		if of.Kind() == reflect.Struct && of.PkgPath() == reflect.TypeFor[config.Config]().PkgPath() {
			for i := range of.NumField() {
				if name := of.Field(i).Tag.Get("json"); name != "" && name != "-" {
					walk(append(slices.Clone(at), i), strings.TrimPrefix(key+"."+name, "."), of.Field(i).Type)
				}
			}
			return
		}
		found(key, func(c *config.Config) {
			switch field := reflect.ValueOf(c).Elem().FieldByIndex(at); field.Kind() {
			case reflect.String:
				field.SetString("x")
			case reflect.Bool:
				field.SetBool(true)
			case reflect.Int, reflect.Int64:
				field.SetInt(1)
			case reflect.Slice:
				field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			}
		})
	}
	walk(nil, "", of.Type())
}

// TestTLSIsTurnedOnByARestart, and off; another certificate is not.
func TestTLSIsTurnedOnByARestart(t *testing.T) {
	t.Parallel()
	with := func(path string) *config.Config {
		c := new(config.Config)
		c.Serve.Proxy.TLS.Key.Path, c.Serve.Proxy.TLS.Cert.Path = path, path
		return c
	}
	for _, test := range []struct {
		before, after string
		want          []string
	}{
		{"", "a", []string{"serve.proxy.tls"}}, {"a", "", []string{"serve.proxy.tls"}}, {"a", "b", nil}, {"", "", nil},
	} {
		if got := restartNeeded(with(test.before), with(test.after)); !slices.Equal(got, test.want) {
			t.Errorf("from %q to %q: got %v", test.before, test.after, got)
		}
	}
}

func TestSeveralKeysAreNamed(t *testing.T) {
	t.Parallel()
	before, after := new(config.Config), new(config.Config)
	after.Serve.Proxy.Port, after.Serve.API.Timeout.Read, after.Serve.GRPC.Limits.BodyBytes, after.Log.Level = 1, time.Second, 1, "debug"
	want := []string{"serve.proxy.port", "serve.api.timeout.read", "serve.grpc.limits.body_bytes", "log.level"}
	if got := restartNeeded(before, after); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
