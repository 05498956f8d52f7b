// An app in a browser, from an origin of its own, that asks Namesake with the official client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { build } from 'esbuild';
import { inBrowser } from './chromium.mjs';

const VIEW = { width: 1280, scheme: 'light' };
// What the browser says of what it kept from the app.
const KEPT = (complaint) => /CORS|net::ERR_FAILED|status of 400/.test(complaint);

/** `@atproto/api` as apps bundle it, in the global `atproto`. */
async function bundled() {
  const contents = "export { AtpAgent, ComAtprotoIdentityResolveHandle } from '@atproto/api';";
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    format: 'iife',
    globalName: 'atproto',
    platform: 'browser',
    logLevel: 'error',
    write: false,
  });
  return outputFiles[0].text;
}

/** Runs `action` with a page of an origin that is not Namesake's. */
async function elsewhere(action) {
  const script = await bundled();
  const server = createServer((request, response) => {
    const isScript = request.url === '/app.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><link rel="icon" href="data:,"><title>An app</title><script src="/app.js"></script>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await inBrowser(VIEW, async (page) => {
      await page.goto(`http://127.0.0.1:${server.address().port}/`);
      await action(page);
    }, { expected: KEPT });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export default [
  {
    name: 'cors: @atproto/api in a browser resolves handles from another origin',
    async run(world) {
      const { alice } = world.people;
      await elsewhere(async (page) => {
        const seen = await page.evaluate(async ([service, handle, did]) => {
          const { AtpAgent, ComAtprotoIdentityResolveHandle } = globalThis.atproto;
          const agent = new AtpAgent({ service });
          const { identity } = agent.com.atproto;
          const found = await identity.resolveHandle({ handle });
          const whole = await identity.resolveIdentity({ identifier: did }, { headers: { 'atproto-proxy': 'did:web:x.example#y', dpop: 'x', authorization: 'DPoP x' } });
          const nobody = await identity.resolveHandle({ handle: 'nobody.test' }).catch((error) => error);
          return {
            did: found.data.did,
            etag: found.headers.etag,
            handle: whole.data.handle,
            isNobody: nobody instanceof ComAtprotoIdentityResolveHandle.HandleNotFoundError,
            requestId: nobody.headers?.['namesake-request-id'],
          };
        }, [world.namesake.url, alice.handle, alice.did]);
        assert.deepEqual({ ...seen, etag: undefined, requestId: undefined }, {
          did: alice.did, etag: undefined, handle: alice.handle, isNobody: true, requestId: undefined,
        });
        assert.match(seen.etag, /^W\/"/);
        assert.match(seen.requestId, /^[0-9a-f]{16}$/);
      });
    },
  },
  {
    name: 'cors: what is private stays closed to other origins',
    async run(world) {
      await elsewhere(async (page) => {
        const seen = await page.evaluate(async (service) => {
          const read = (path, init) => fetch(service + path, init).then((response) => response.status, (error) => error.name);
          return {
            open: await read('/v1/policies', { headers: { 'x-any': 'thing' } }),
            withCookies: await read('/v1/policies', { credentials: 'include' }),
            metrics: await read('/metrics'),
            account: await read('/v1/mirror/accounts/threads:a', { headers: { authorization: 'Bearer x' } }),
            page: await read('/mirror/threads'),
          };
        }, world.namesake.url);
        const kept = 'TypeError';
        assert.deepEqual(seen, { open: 200, withCookies: kept, metrics: kept, account: kept, page: kept });
      });
    },
  },
];
