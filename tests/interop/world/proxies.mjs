// Two small reverse proxies. Both keep `Host` as it came, and both write down what was asked.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';

/** https on one port for every name; `upstreamFor(hostname)` gives a port of this machine, or nothing for a 404. */
export async function startTlsFront(authority, upstreamFor) {
  const seen = [];
  const server = https.createServer(
    {
      SNICallback: (name, done) => {
        authority.contextFor(name).then((context) => done(null, context), (error) => done(error));
      },
    },
    (request, response) => {
      const host = (request.headers.host ?? '').split(':')[0];
      forward(request, response, upstreamFor(host), seen, host);
    },
  );
  return listening(server, seen);
}

/** http in front of Namesake, so that it can be told what the PDS asked of it. */
export async function startGate(upstream) {
  const seen = [];
  const server = http.createServer((request, response) => {
    forward(request, response, upstream(), seen, undefined);
  });
  return listening(server, seen);
}

async function listening(server, seen) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    seen,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function forward(request, response, port, seen, host) {
  const entry = { host, method: request.method, url: request.url, status: undefined, authorized: 'authorization' in request.headers };
  seen.push(entry);
  const answer = (status, text) => {
    entry.status = status;
    if (response.headersSent) return response.destroy();
    response.writeHead(status, { 'content-type': 'text/plain' });
    response.end(text);
  };
  if (port === undefined) return answer(404, 'nobody serves this name\n');
  const onward = http.request(
    { host: '127.0.0.1', port, method: request.method, path: request.url, headers: request.headers, agent: false },
    (reply) => {
      entry.status = reply.statusCode;
      response.writeHead(reply.statusCode, reply.rawHeaders);
      reply.pipe(response);
    },
  );
  onward.on('error', (error) => answer(502, `${error.message}\n`));
  request.pipe(onward);
}
