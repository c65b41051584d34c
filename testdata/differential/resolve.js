// Answers with the paths that programs for Node take a request target for. A target has a character for each byte, which is
// how node:http hands it over.
//
// The first argument is the port of a service that reads a JSON array of targets from each line, and writes the array of
// their readings on one line; the second is the port of an HTTP server that does so for the target of each request.
'use strict';

const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');
const url = require('node:url');

const base = 'http://gate.test';

// null is what a program fails with, and so does not serve.
function attempt(resolve) {
  try {
    return resolve();
  } catch {
    return null;
  }
}

function readings(target) {
  const pathname = attempt(() => new URL(target, base).pathname);
  const decoded = pathname === null ? null : attempt(() => path.posix.normalize(decodeURIComponent(pathname)));
  const legacy = attempt(() => path.posix.normalize(decodeURIComponent(url.parse(target).pathname)));
  return [pathname, decoded, legacy];
}

function serve(port, server) {
  return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
}

async function main([many, single]) {
  await serve(Number(many), net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    readline.createInterface({ input: socket, crlfDelay: Infinity }).on('line', (line) => {
      socket.write(JSON.stringify(JSON.parse(line).map(readings)) + '\n');
    });
  }));
  const server = http.createServer((request, response) => {
    const body = request.headers['x-number'] + ' ' + JSON.stringify(readings(request.url));
    response.writeHead(200, { 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  });
  server.keepAliveTimeout = 0;
  await serve(Number(single), server);
}

process.removeAllListeners('warning'); // url.parse is deprecated, and in use everywhere
main(process.argv.slice(2));
