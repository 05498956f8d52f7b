// Two small reverse proxies, which keep `Host` as it came and write down what was asked, and a tunnel.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

/** https on one port for every name; `upstreamFor(hostname)` gives a port of this machine, a page as text, or nothing for a 404. */
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

/** A proxy for clients that know `HTTPS_PROXY` but not our port: whatever host they want, they get the TLS front. */
export async function startTunnel(front) {
  const server = http.createServer((_, response) => response.writeHead(405).end());
  server.on('connect', (_, near, head) => {
    const far = net.connect(front.port, '127.0.0.1', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.write(head);
      near.pipe(far).pipe(near);
    });
    for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => other.destroy());
  });
  return listening(server, []);
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

function forward(request, response, upstream, seen, host) {
  const entry = { host, method: request.method, url: request.url, status: undefined, authorized: 'authorization' in request.headers };
  seen.push(entry);
  const answer = (status, text) => {
    entry.status = status;
    if (response.headersSent) return response.destroy();
    response.writeHead(status, { 'content-type': 'text/plain' });
    response.end(text);
  };
  if (upstream === undefined) return answer(404, 'nobody serves this name\n');
  if (typeof upstream === 'string') return answer(200, upstream);
  const onward = http.request(
    { host: '127.0.0.1', port: upstream, method: request.method, path: request.url, headers: request.headers, agent: false },
    (reply) => {
      entry.status = reply.statusCode;
      response.writeHead(reply.statusCode, reply.rawHeaders);
      reply.pipe(response);
    },
  );
  onward.on('error', (error) => answer(502, `${error.message}\n`));
  request.pipe(onward);
}
