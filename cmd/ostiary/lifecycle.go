package main

import (
	"context"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"ostiary/config"
	"ostiary/handlers"
)

// lifecycle is what lasts from the start of the process to its end, whatever is
// reloaded in between.
type lifecycle struct {
	reload       <-chan os.Signal              // has an entry when everything is to be read anew
	started      atomic.Pointer[config.Config] // what the ports were opened with
	shutdown     atomic.Pointer[config.Shutdown]
	proxy, api   handlers.Door // that of gRPC belongs to its checks
	admin        handlers.Door
	adminAddress atomic.Pointer[netip.AddrPort] // that is listened on; nil: none
	upgrades     handlers.Upgrades
	certificates certificates
}

// adopt puts in force what a configuration says about the listeners and about
// the end, as far as that can be done while they serve, and warns of the rest.
func (d *deployment) adopt(c *config.Config) {
	d.life.shutdown.Store(&c.Serve.Shutdown)
	d.life.proxy.Limit(handlers.Limits(c.Serve.Proxy.Limits))
	d.life.api.Limit(handlers.Limits(c.Serve.API.Limits))
	d.extAuthz.Door.Limit(handlers.Limits(c.Serve.GRPC.Limits))
	d.life.admin.Limit(adminLimits)
	d.life.certificates.adopt(c.Serve)
	if d.life.started.CompareAndSwap(nil, c) {
		return
	}
	for _, key := range restartNeeded(d.life.started.Load(), c) {
		d.log.Warn("a change of the configuration needs a restart to be in force", "key", key)
	}
	d.refreshCertificates()
}

// reloadAll reads everything anew, whether or not it looks changed.
func (d *deployment) reloadAll(ctx context.Context) {
	d.log.Info("reloading configuration, rules and certificates")
	d.mutex.Lock()
	clear(d.digest[:]) // no file has this one
	d.mutex.Unlock()
	d.refresh(ctx)
	d.loader.Hurry()
	d.refreshCertificates()
}

// doors are those of all listeners.
func (d *deployment) doors() []*handlers.Door {
	return []*handlers.Door{&d.life.proxy, &d.life.api, &d.life.admin, &d.extAuthz.Door}
}

// leave makes everybody look for another instance, while this one goes on
// serving.
func (d *deployment) leave() {
	for _, door := range d.doors() {
		door.Leave()
	}
}

// restartNeeded names what differs between two configurations and is only read
// when the process starts.
func restartNeeded(before, after *config.Config) []string {
	keys := differences("serve", reflect.ValueOf(before.Serve), reflect.ValueOf(after.Serve))
	keys = append(keys, differences("log", reflect.ValueOf(before.Log), reflect.ValueOf(after.Log))...)
	keys = slices.DeleteFunc(keys, takesEffect)
	// Files and contents of a certificate take effect, but for a listener that
	// has one already.
	for _, listener := range []struct {
		name          string
		before, after config.TLS
	}{
		{"proxy", before.Serve.Proxy.TLS, after.Serve.Proxy.TLS},
		{"api", before.Serve.API.TLS, after.Serve.API.TLS},
		{"grpc", before.Serve.GRPC.TLS, after.Serve.GRPC.TLS},
		{"admin", before.Serve.Admin.TLS, after.Serve.Admin.TLS},
	} {
		if listener.before.Enabled() != listener.after.Enabled() {
			keys = append(keys, "serve."+listener.name+".tls")
		}
	}
	return keys
}

// differences are the keys with different values.
func differences(at string, before, after reflect.Value) []string {
	if before.Kind() != reflect.Struct || before.Type().PkgPath() != reflect.TypeFor[config.Config]().PkgPath() {
		if reflect.DeepEqual(before.Interface(), after.Interface()) {
			return nil
		}
		return []string{at}
	}
	var keys []string
	for i := range before.NumField() {
		if name := before.Type().Field(i).Tag.Get("json"); name != "" && name != "-" {
			keys = append(keys, differences(at+"."+name, before.Field(i), after.Field(i))...)
		}
	}
	return keys
}

// takesEffect reports whether a key below serve or log is in force when it is
// reloaded.
func takesEffect(key string) bool {
	switch parts := strings.Split(key, "."); {
	case parts[0] == "log", parts[1] == "prometheus":
		return false
	case parts[1] == "shutdown":
		return true
	case parts[2] == "limits":
		return parts[3] == "header_lines" || parts[3] == "target_bytes" || parts[3] == "requests" || parts[3] == "body_bytes" && parts[1] != "grpc"
	default:
		return slices.Contains([]string{"tls", "cors", "trust_forwarded_headers", "trusted_proxies", "forwarded_headers", "dialect", "token"}, parts[2])
	}
}
