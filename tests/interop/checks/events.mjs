// The second instance remembers for ten minutes: only the PDS's events can make it look again.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createAccount } from '../world/people.mjs';
import { until } from '../world/process.mjs';
import { getJson, getResolution, identityApi, rejectsWith } from './ask.mjs';

const SOON = { withinMs: 8_000, everyMs: 100 };
const cursor = (world) => JSON.parse(readFileSync(`${world.variants.follower.config}.cursor`, 'utf8')).cursor;

export default [
  {
    name: 'events: a handle changed on the PDS is seen within seconds, against a cache of ten minutes',
    async run(world) {
      const follower = { ...world, namesake: world.variants.follower };
      const api = identityApi(follower);
      const dora = await createAccount(world.pds.url, world.fetch, 'dora.test', { displayName: 'Dora', description: 'Explores.' });
      assert.equal((await getResolution(follower, '/@dora.test')).account, dora.did);
      assert.equal((await api.resolveIdentity({ identifier: dora.did })).data.handle, 'dora.test');
      await rejectsWith(api.resolveHandle({ handle: 'dorothy.test' }), 400, 'HandleNotFound');
      const { freshness } = await getResolution(follower, '/v1/resolve?handle=dora.test');
      assert.ok(freshness.ttlSeconds > 500, `remembered for ${freshness.ttlSeconds} s`);

      await dora.agent.com.atproto.identity.updateHandle({ handle: 'dorothy.test' });

      await until('the new name is found', async () => {
        assert.equal((await api.resolveHandle({ handle: 'dorothy.test' })).data.did, dora.did);
        return true;
      }, SOON);
      await until("the DID's handle follows", async () => {
        assert.equal((await api.resolveIdentity({ identifier: dora.did })).data.handle, 'dorothy.test');
        return true;
      }, SOON);
      await until("the old name is nobody's", async () => {
        assert.equal((await getJson(follower, '/@dora.test')).status, 404);
        return true;
      }, SOON);
    },
  },
  {
    name: 'events: the stream is counted, and its cursor saved',
    async run(world) {
      const metrics = await (await fetch(`${world.variants.follower.url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
      assert.match(metrics, /^namesake_events_total\{kind="identity"\} [1-9]/m);
      assert.match(metrics, /^namesake_events_total\{kind="other"\} [1-9]/m);
      assert.doesNotMatch(metrics, /kind="poison"/);
      await until('the cursor is saved', async () => (cursor(world) > 0 ? true : undefined), { withinMs: 30_000 });
    },
  },
];
