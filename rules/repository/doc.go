// Package repository reads the documents that access rules stand in: files,
// directories and patterns of files, texts in the configuration itself, web
// servers and object stores (contract 2.4). It keeps the last good documents on
// disk, for a start without their source.
//
// It knows where documents are and whether they have changed. It does not know
// what is in them, when they are read, or what becomes of them.
package repository
