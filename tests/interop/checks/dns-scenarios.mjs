// Scenarios of the resolution rules, by number, with real name servers instead of our test double. Each is run against nsd and
// against knot at once: what a check counts is about names that only one of them is asked for. `kdig` shows that the server
// really does what the scenario says.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { until } from '../world/process.mjs';
import { fresh, getJson, identityApi, rejectsWith } from './ask.mjs';

/** The worlds that differ in the name server only. */
const views = (world) => [
  { ...world, server: world.dns },
  { ...world, server: world.knot, namesake: world.variants.knot },
];

async function kdig(view, name, ...options) {
  const args = ['@127.0.0.1', '-p', String(view.server.port), '+time=2', '+retry=1', '+bufsize=1232', ...options, `${name}.`, 'TXT'];
  return (await promisify(execFile)('kdig', args, { timeout: 10_000 })).stdout;
}

async function isFound(view, { handle, did }, method = 'dns-txt') {
  const { status, body } = await getJson(view, `/@${handle}`);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.account, body.proof.method, body.proof.provisional], [did, method, false]);
  assert.equal((await identityApi(view).resolveHandle({ handle })).data.did, did);
}

/** Neither found nor absent, and the same when asked again. */
async function isInTrouble(view, handle, statuses) {
  for (let time = 0; time < 2; time += 1) {
    const error = await identityApi(view).resolveHandle({ handle }).then(({ data }) => assert.fail(JSON.stringify(data)), (reason) => reason);
    assert.ok(statuses.includes(error.status), `${handle}: ${error.status} ${error.error} ${error.message}`);
    assert.match(error.error, /^Upstream(Failure|Timeout)$/);
    const { status, body } = await getJson(view, `/@${handle}`);
    assert.ok([502, 503, 504].includes(status), `${handle}: ${status} ${JSON.stringify(body)}`);
  }
}

function scenario(number, what, run) {
  return {
    name: `scenario ${number}, nsd and knot: ${what}`,
    async run(world) {
      const runs = views(world).map((view) =>
        run(view, world.scenes).catch((error) => {
          throw new Error(`with ${view.server.name}: ${error.message}`, { cause: error });
        }),
      );
      await Promise.allSettled(runs);
      await Promise.all(runs);
    },
  };
}

export default [
  scenario(1, 'two DIDs in the DNS, one of them on the web', async (view, { torn }) => {
    assert.equal((await kdig(view, `_atproto.${torn.handle}`, '+short')).match(/did=did:plc:/g).length, 2);
    await isInTrouble(view, torn.handle, [502]);
  }),
  scenario(2, 'garbage beside a valid record, in either order', async (view, { late, early }) => {
    await isFound(view, late);
    await isFound(view, early);
  }),
  scenario(3, 'a record in pieces; SPF and bytes that are not UTF-8 beside it', async (view, { pieces }) => {
    assert.match(await kdig(view, `_atproto.${pieces.handle}`, '+short'), /^"di" "d=did:" "plc:/m);
    await isFound(view, pieces);
  }),
  scenario(4, 'CNAMEs through another zone into a third', async (view, { alias }) => {
    assert.match(await kdig(view, `_atproto.${alias.handle}`), /CNAME\s+middle\.example\.net\./);
    await isFound(view, alias);
  }),
  scenario(4, 'an answer too large for UDP: asked again over TCP', async (view, { wide }) => {
    const overUdp = await kdig(view, `_atproto.${wide.handle}`, '+ignore');
    assert.match(overUdp, /Flags:[^;]* tc/, overUdp);
    await isFound(view, wide);
  }),
  scenario(4, 'CNAMEs in a circle: trouble, not absence', async (view) => {
    await isInTrouble(view, 'circle.example.com', [502]);
  }),
  scenario(5, 'NXDOMAIN, and the DID on the web', async (view, { page }) => {
    assert.match(await kdig(view, `_atproto.${page.handle}`), /status: NXDOMAIN/);
    await isFound(view, page, 'https-well-known');
  }),
  scenario(6, 'NXDOMAIN or no data, and 404: HandleNotFound, the second time from the cache', async (view) => {
    for (const [handle, says] of [[`empty-${view.server.name}.example.com`, /status: NXDOMAIN/], [`vacant-${view.server.name}.example.com`, /status: NOERROR;/]]) {
      assert.match(await kdig(view, `_atproto.${handle}`), says);
      const before = view.front.seen.length;
      const answers = [];
      for (let time = 0; time < 2; time += 1) {
        const { status, body } = await getJson(view, `/xrpc/com.atproto.identity.resolveHandle?handle=${handle}`);
        answers.push({ status, body });
      }
      const expected = { status: 400, body: { error: 'HandleNotFound', message: 'Unable to resolve handle' } };
      assert.deepEqual(answers, [expected, expected]);
      assert.equal(view.front.seen.slice(before).filter(({ host }) => host === handle).length, 1, 'asked once');
    }
  }),
  scenario(7, 'SERVFAIL, REFUSED or a lame delegation, and 404: trouble, not absence', async (view) => {
    assert.match(await kdig(view, 'proof.example.org'), /status: SERVFAIL/);
    assert.match(await kdig(view, 'proof.example.edu'), /status: REFUSED/);
    for (const handle of ['broken.example.com', 'refused.example.com', 'lame.example.com', 'anybody.example.org', 'anybody.example.edu']) {
      await isInTrouble(view, handle, [502, 504]);
    }
  }),
  scenario(7, 'a silent server: what was known is served as stale, the rest is trouble', async (view, { quiet, unheard }) => {
    await isFound(view, quiet);
    await view.server.silentDuring(async () => {
      // Fresh for 2 s; then asked behind the answer, which takes the DNS deadline to fail; from then on marked.
      await until('the answer is marked stale', async () => {
        const response = await fetch(`${view.namesake.url}/xrpc/com.atproto.identity.resolveHandle?handle=${quiet.handle}`);
        const { did } = await response.json();
        if (response.status !== 200 || did !== quiet.did) throw Object.assign(new Error(`${response.status} ${did}`), { fatal: true });
        return response.headers.get('namesake-stale') === 'true' ? true : undefined;
      }, { everyMs: 200 });
      await rejectsWith(identityApi(view).resolveHandle({ handle: unheard.handle }), 504, 'UpstreamTimeout');
    });
    const { status, body } = await fresh(view, unheard.handle);
    assert.deepEqual([status, body.account], [200, unheard.did], JSON.stringify(body));
  }),
  scenario(10, 'DNS and the web disagree: DNS', async (view, { split }) => {
    await isFound(view, split);
  }),
];
