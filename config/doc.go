// Package config reads the configuration: files, laid over each other, and
// above them the environment. It checks all of it and hands it on as typed
// values.
//
// What may be written, what it means and what it is by default stands in
// config.schema.json. The settings of pipeline handlers are described by the
// handlers themselves, which whoever loads the configuration names, so that
// this package depends on none of them.
//
// A text may refer to what stands elsewhere, ${file:/path} or ${env:NAME}, which
// takes its place when all sources have been laid over each other. That is
// secret: no message shows more than the reference.
//
// Keys, sources, precedence and environment variables are those of Oathkeeper
// (contract section 1), and so a configuration written for it is read
// unchanged. What differs is decided in contract section 14: an empty or
// truncated file is a mistake, a stray environment variable is not, and a
// variable that holds no number or boolean where one is needed does not count
// as 0 or false.
package config
