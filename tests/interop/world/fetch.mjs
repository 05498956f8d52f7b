// `fetch` for clients inside the world: https to any name ends at the TLS front, with the certificate verified for that name.
import { Agent, buildConnector, fetch } from 'undici';

export function fetchThrough(front, authority) {
  const connect = buildConnector({ ca: authority.ca });
  const dispatcher = new Agent({
    connect(target, done) {
      if (target.protocol !== 'https:') return connect(target, done);
      const servername = target.servername ?? target.hostname;
      connect({ ...target, hostname: '127.0.0.1', host: undefined, port: front.port, servername }, done);
    },
  });
  return async (input, init) => fetch(...(await unpacked(input, init, dispatcher)));
}

// `@atproto/api` passes Node's own `Request`, which the fetch of the package `undici` does not know.
async function unpacked(input, init, dispatcher) {
  if (!(input instanceof Request)) return [input, { ...init, dispatcher }];
  const { method, headers, redirect, signal } = input;
  const body = input.body === null ? undefined : await input.arrayBuffer();
  return [input.url, { method, headers: [...headers], redirect, signal, body, dispatcher }];
}
