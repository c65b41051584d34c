"""Answers with the paths that Python's standard library takes a request target for.

A target has a character for each byte, which is how http.server hands it over. The first argument is the port of a service
that reads a JSON array of targets from each line, and writes the array of their readings on one line; the second is the port
of an HTTP server that does so for the target of each request.
"""

import http.server
import json
import posixpath
import socketserver
import sys
import threading
import urllib.parse


class Handler(http.server.SimpleHTTPRequestHandler):
    """Reads the path as the server for files does, whose own method this asks."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        body = f"{self.headers['X-Number']} {json.dumps(readings(self.path))}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


files = object.__new__(Handler)
files.directory = "/"


def in_files(target):
    return files.translate_path(target)


def in_url(target):
    joined = urllib.parse.urlsplit(urllib.parse.urljoin("http://gate.test/", target)).path
    return posixpath.normpath(urllib.parse.unquote(joined))


def attempt(resolve, target):
    """None is what a program fails with, and so does not serve."""
    try:
        return resolve(target)
    except ValueError:
        return None


def readings(target):
    return [attempt(in_files, target), attempt(in_url, target)]


class Many(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(json.dumps([readings(target) for target in json.loads(line)]).encode() + b"\n")


class ManyServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main(many, single):
    threading.Thread(target=ManyServer(("127.0.0.1", int(many)), Many).serve_forever, daemon=True).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", int(single)), Handler).serve_forever()


main(*sys.argv[1:])
