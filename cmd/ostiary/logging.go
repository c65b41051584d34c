package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"ostiary/config"
)

// Levels beyond those of slog, as Oathkeeper names them.
const (
	levelTrace = slog.LevelDebug - 4
	levelFatal = slog.LevelError + 4
)

var levels = map[string]slog.Level{
	"trace": levelTrace, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
	"error": slog.LevelError, "fatal": levelFatal, "panic": levelFatal,
}

// newLogger makes the log of the configured level and format, on w.
func newLogger(c config.Log, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: levels[c.Level], ReplaceAttr: nameLevel}
	var handler slog.Handler
	switch c.Format {
	case "json":
		handler = slog.NewJSONHandler(printable{w}, options)
	case "json_pretty":
		handler = slog.NewJSONHandler(&indented{to: printable{w}}, options)
	case "gelf":
		handler = newGELF(printable{w}, options)
	default:
		handler = slog.NewTextHandler(w, options)
	}
	return slog.New(handler).With("audience", "application", "service_name", "Ostiary", "service_version", version)
}

// nameLevel writes levels in lower case and durations as text.
func nameLevel(_ []string, attribute slog.Attr) slog.Attr {
	switch value := attribute.Value.Any().(type) {
	case slog.Level:
		if attribute.Key != slog.LevelKey {
			break
		}
		attribute.Value = slog.StringValue(strings.ToLower(value.String()))
		for name, level := range levels {
			if level == value && name != "panic" {
				attribute.Value = slog.StringValue(name)
			}
		}
	case time.Duration:
		attribute.Value = slog.StringValue(value.String())
	}
	return attribute
}

// printable escapes the control characters that JSON may have in its texts as
// they are (RFC 8259 section 7): DEL and U+0080 to U+009F. Some terminals obey
// them.
type printable struct{ to io.Writer }

func (p printable) Write(text []byte) (int, error) {
	written := text
	if bytes.ContainsFunc(text, isLateControl) {
		written = make([]byte, 0, len(text)+len(text)/4)
		for _, r := range string(text) {
			if isLateControl(r) {
				written = fmt.Appendf(written, `\u%04x`, r)
			} else {
				written = utf8.AppendRune(written, r)
			}
		}
	}
	if _, err := p.to.Write(written); err != nil {
		return 0, fmt.Errorf("log: %w", err)
	}
	return len(text), nil
}

func isLateControl(r rune) bool { return r >= 0x7f && r <= 0x9f }

// indented lays JSON lines out for people.
type indented struct {
	to    io.Writer
	mutex sync.Mutex
}

func (i *indented) Write(line []byte) (int, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, line, "", "  "); err != nil {
		return 0, fmt.Errorf("log: %w", err)
	}
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if _, err := i.to.Write(b.Bytes()); err != nil {
		return 0, fmt.Errorf("log: %w", err)
	}
	return len(line), nil
}

// syslogLevel is what GELF counts levels by (RFC 5424 section 6.2.1).
func syslogLevel(level slog.Level) int {
	switch {
	case level >= levelFatal:
		return 2
	case level >= slog.LevelError:
		return 3
	case level >= slog.LevelWarn:
		return 4
	case level >= slog.LevelInfo:
		return 6
	default:
		return 7
	}
}

// newGELF writes the Graylog Extended Log Format, version 1.1: names of its own
// for time, level and message, and an underscore before all others.
func newGELF(w io.Writer, options *slog.HandlerOptions) slog.Handler {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: options.Level, ReplaceAttr: gelfNames}).
		WithAttrs([]slog.Attr{slog.String("version", "1.1"), slog.String("host", host)})
}

func gelfNames(groups []string, attribute slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return nameLevel(groups, attribute)
	}
	switch attribute.Key {
	case slog.TimeKey:
		return slog.Float64("timestamp", float64(attribute.Value.Time().UnixMilli())/1000)
	case slog.LevelKey:
		if level, ok := attribute.Value.Any().(slog.Level); ok {
			return slog.Int("level", syslogLevel(level))
		}
	case slog.MessageKey:
		return slog.String("short_message", attribute.Value.String())
	case "version", "host":
		return attribute
	}
	attribute = nameLevel(groups, attribute)
	attribute.Key = "_" + attribute.Key
	return attribute
}
