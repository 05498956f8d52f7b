// How the checks ask Namesake: plain HTTP, and the official clients.
import assert from 'node:assert/strict';
import { AtpAgent } from '@atproto/api';
import { IdResolver } from '@atproto/identity';

/** Handles on which every client must agree with Namesake: three are found and three are not. */
export const HANDLES = ['alice.test', 'bob.test', 'jane.example.com', 'twin.example.com', 'nobody.test', 'nobody.example.com'];

/** No such DID is registered. */
export const UNKNOWN_DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa';

/** GET as an API client does it: the status and the parsed body. */
export async function getJson(world, path) {
  const response = await fetch(world.namesake.url + path, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    assert.fail(`GET ${path}: ${response.status}, not JSON: ${text.slice(0, 200)}`);
  }
  return { status: response.status, body };
}

/** GET that must be a resolution. */
export async function getResolution(world, path) {
  const { status, body } = await getJson(world, path);
  assert.equal(status, 200, `GET ${path}: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** The lookup that skips the cache. */
export const fresh = (world, handle) => getJson(world, `/v1/resolve?handle=${handle}&fresh=true`);

/** The official API client, unmodified, with Namesake as its service. */
export function identityApi(world) {
  return new AtpAgent({ service: world.namesake.url }).com.atproto.identity;
}

/** What `resolveHandle` says about each handle: a DID, or nothing where it refuses. */
export async function handlesAsNamesakeSees(world, handles = HANDLES) {
  const seen = {};
  for (const handle of handles) {
    seen[handle] = await identityApi(world).resolveHandle({ handle }).then(
      ({ data }) => data.did,
      (error) => (error.status >= 400 ? undefined : Promise.reject(error)),
    );
  }
  // An agreement must be about something.
  if (handles === HANDLES) assert.equal(Object.values(seen).filter((did) => did?.startsWith('did:plc:')).length, 3, JSON.stringify(seen));
  return seen;
}

/** Awaits an XRPC failure of exactly this status, error name and (where given) message. */
export async function rejectsWith(promise, status, error, message) {
  const outcome = await promise.then((value) => ({ value }), (reason) => ({ reason }));
  assert.ok(outcome.reason, `expected ${status} ${error}, got an answer: ${JSON.stringify(outcome.value?.data)}`);
  const { reason } = outcome;
  assert.deepEqual({ status: reason.status, error: reason.error }, { status, error }, String(reason));
  if (message !== undefined) assert.equal(reason.message, message);
  return reason;
}

/**
 * `@atproto/identity`, unmodified, aimed at this world: its `fetch` option is the documented way past its guard against
 * loopback. For DNS it uses Node's default resolver, which the world has aimed at nsd.
 */
export function identityResolver(world) {
  return new IdResolver({ plcUrl: world.plc.url, fetch: world.fetch });
}
