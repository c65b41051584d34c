package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// orders are what the process is told by signals.
type orders struct {
	stop   context.Context  // ends when it is to end
	atOnce context.Context  // ends when it is to end without waiting for anything
	reload <-chan os.Signal // has an entry when everything is to be read anew
}

// takeOrders begins to listen to signals, in place of what they do otherwise.
func takeOrders(ctx context.Context) (taken orders, release func()) {
	ends, reloads := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(ends, os.Interrupt, syscall.SIGTERM)
	signal.Notify(reloads, syscall.SIGHUP)
	stop, tell := context.WithCancel(ctx)
	atOnce, urge := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		for _, order := range []func(){tell, urge} {
			select {
			case <-ends:
				order()
			case <-atOnce.Done():
			}
		}
	}()
	return orders{stop, atOnce, reloads}, func() {
		signal.Stop(ends)
		signal.Stop(reloads)
		tell()
		urge()
	}
}

// obey reloads whenever the process is told to.
func (d *deployment) obey(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.life.reload:
			d.reloadAll(ctx)
		}
	}
}
