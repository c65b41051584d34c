package config_test

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ostiary/config"
	"ostiary/config/document"
)

// everyKey loads a file in which every key is set, with certificates from the
// environment.
func everyKey(t *testing.T, name string) *config.Config {
	t.Helper()
	key, cert := certificate(t)
	var environ []string
	for _, listener := range []string{"SERVE_PROXY", "SERVE_API", "SERVE_GRPC", "SERVE_ADMIN"} {
		environ = append(environ,
			listener+"_TLS_KEY_BASE64="+encoded(key), listener+"_TLS_KEY_PATH="+written(t, key),
			listener+"_TLS_CERT_BASE64="+encoded(cert), listener+"_TLS_CERT_PATH="+written(t, cert))
	}
	environ = append(environ, "SERVE_ADMIN_CLIENT_CA_PATH="+written(t, cert), "SERVE_ADMIN_CLIENT_CA_BASE64="+encoded(cert))
	loaded, err := attempt(config.Source{Files: []string{name}, Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// TestEveryKeyIsDecoded finds a field that no key reaches: with every key set
// to something else than its default, no field is zero.
func TestEveryKeyIsDecoded(t *testing.T) {
	loaded := everyKey(t, "../testdata/config/good/every-key.yaml")
	var check func(at string, value reflect.Value)
	check = func(at string, value reflect.Value) {
		if value.Kind() == reflect.Struct && value.Type().PkgPath() == reflect.TypeFor[config.Config]().PkgPath() {
			for i := range value.NumField() {
				if field := value.Type().Field(i); field.IsExported() && field.Name != "Warnings" {
					check(at+"."+field.Name, value.Field(i))
				}
			}
			return
		}
		if value.IsZero() || (value.Kind() == reflect.Slice && value.Len() == 0) {
			t.Errorf("%s is not set", at)
		}
	}
	if loaded.Serve.Prometheus.CollapseRequestPaths {
		t.Error("Config.Serve.Prometheus.CollapseRequestPaths is not set") // to false
	}
	loaded.Serve.Prometheus.CollapseRequestPaths = true
	loaded.Serve.API.TrustForwardedHeaders = true // would make the list of trusted proxies pointless
	loaded.Serve.API.ForwardedHeaders = "append"  // the API has no such key
	loaded.Serve.Proxy.Dialect = "oathkeeper"     // nor the proxy this one
	loaded.Serve.API.CORS.ExposedHeaders = []string{"set to nothing on purpose"}
	check("Config", reflect.ValueOf(*loaded))
}

// TestFormatsAgree loads the same configuration from YAML, JSON and TOML.
func TestFormatsAgree(t *testing.T) {
	ignore := []cmp.Option{
		cmpopts.IgnoreUnexported(config.Config{}), cmpopts.IgnoreFields(config.Config{}, "Warnings"),
		cmpopts.IgnoreTypes(config.TLS{}, config.PEM{}), cmpopts.EquateComparable(netip.Prefix{}),
	}
	yaml := everyKey(t, "../testdata/config/good/every-key.yaml")
	for _, name := range []string{"every-key.json", "every-key.toml"} {
		if diff := cmp.Diff(yaml, everyKey(t, "../testdata/config/good/"+name), ignore...); diff != "" {
			t.Errorf("%s (-yaml +got):\n%s", name, diff)
		}
	}
}

// TestSchemaAndFieldsAgree holds the Go structs to the schema, in both
// directions.
func TestSchemaAndFieldsAgree(t *testing.T) {
	var fields []string
	var collect func(path document.Path, of reflect.Type)
	collect = func(path document.Path, of reflect.Type) {
		if of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[config.Config]().PkgPath() {
			fields = append(fields, path.String())
			return
		}
		for i := range of.NumField() {
			if name := of.Field(i).Tag.Get("json"); name != "" && name != "-" {
				collect(path.With(name), of.Field(i).Type)
			}
		}
	}
	collect(nil, reflect.TypeFor[config.Config]())
	fields = slices.DeleteFunc(fields, func(path string) bool {
		return path == "serve.proxy.dialect" || path == "serve.api.forwarded_headers"
	})

	schema := composed(t, nil)
	var keys []string
	for _, path := range schema.Paths() {
		switch properties := schema.At(path)["properties"]; {
		case slices.Contains(fields, path.String()):
			keys = append(keys, path.String()) // maps of handlers among them
		case properties == nil && !inHandler(path):
			keys = append(keys, path.String())
		}
	}
	slices.Sort(fields)
	slices.Sort(keys)
	if diff := cmp.Diff(keys, fields); diff != "" {
		t.Errorf("keys of the schema and fields (-schema +fields):\n%s", diff)
	}
}

func inHandler(path document.Path) bool {
	return strings.HasPrefix(path.String(), "errors.handlers.") || slices.Contains([]string{"authenticators", "authorizers", "mutators"}, path[0])
}

func composed(t testing.TB, handlers []config.Handler) *document.Schema {
	t.Helper()
	text, err := config.Schema(handlers)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := document.CompileSchema("config.schema.json", text)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
