package main_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
)

// listeners are the engine's ports by their names in the configuration: proxy, api and prometheus.
type listeners map[string]int

func freeListeners(t testing.TB) listeners {
	t.Helper()
	return listeners{"proxy": freePort(t), "api": freePort(t), "prometheus": freePort(t)}
}

func (l listeners) address(name string) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l[name]))
}

// bind puts the engine on these ports of the loopback interface.
func (l listeners) bind(config map[string]any) {
	serve := section(config, "serve")
	for name, port := range l {
		listener := section(serve, name)
		listener["host"], listener["port"] = "127.0.0.1", port
	}
}

// section is the object of that name in an object, which is added where there is none.
func section(object map[string]any, name string) map[string]any {
	if inner, ok := object[name].(map[string]any); ok {
		return inner
	}
	inner := map[string]any{}
	object[name] = inner
	return inner
}

// Ports are handed out from below the range that the kernel takes outgoing connections' ports from. A port of
// that range may be taken again between the moment it is found free and the moment the engine listens on it.
const (
	firstPort = 12000
	portCount = 20000
)

var portsTried atomic.Int64

// freePort is a loopback port on which nobody listens, and which no other caller in this process gets.
func freePort(t testing.TB) int {
	t.Helper()
	start := int64(os.Getpid()) * 101 // another test process on the machine starts elsewhere
	for range portCount {
		port := firstPort + int((start+portsTried.Add(1))%portCount)
		listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		listener.Close()
		return port
	}
	t.Fatal("no free port on the loopback interface")
	return 0
}
