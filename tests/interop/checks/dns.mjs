// The TXT record that `kdig` shows is the one that Namesake goes by: it changes, and the answer changes with it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fresh, getJson, getResolution, identityApi } from './ask.mjs';

async function kdigTxt(world, handle) {
  const args = ['@127.0.0.1', '-p', String(world.dns.port), '+short', '+time=2', '+retry=1', `_atproto.${handle}.`, 'TXT'];
  const { stdout } = await promisify(execFile)('kdig', args, { timeout: 10_000 });
  return stdout.trim().split('\n').filter(Boolean).sort();
}

export default [
  {
    name: 'kdig shows the TXT record that Namesake used',
    async run(world) {
      for (const { handle, did } of [world.people.bob, world.people.jane]) {
        assert.deepEqual(await kdigTxt(world, handle), [`"did=${did}"`]);
        const body = await getResolution(world, `/@${handle}`);
        assert.deepEqual({ account: body.account, method: body.proof.method }, { account: did, method: 'dns-txt' });
      }
    },
  },
  {
    name: 'two TXT records that contradict each other: refused, not absent',
    async run(world) {
      const { twin, alice } = world.people;
      assert.deepEqual(await kdigTxt(world, twin.handle), [`"did=${twin.did}"`, `"did=${alice.did}"`].sort());
      const { status, body } = await getJson(world, `/@${twin.handle}`);
      assert.equal(status, 502, JSON.stringify(body));
    },
  },
  {
    name: 'the TXT record moves from one DID to another: so does the handle',
    async run(world) {
      const { tom, otherTom } = world.people;
      for (const holder of [tom, otherTom]) {
        await world.dns.publish(tom.handle, holder.did);
        assert.deepEqual(await kdigTxt(world, tom.handle), [`"did=${holder.did}"`]);
        const { status, body } = await fresh(world, tom.handle);
        assert.deepEqual({ status, account: body.account }, { status: 200, account: holder.did }, JSON.stringify(body));
      }
      const handleOf = async (did) => (await identityApi(world).refreshIdentity({ identifier: did })).data.handle;
      assert.equal(await handleOf(otherTom.did), tom.handle);
      assert.equal(await handleOf(tom.did), 'handle.invalid');
    },
  },
  {
    name: 'the TXT record goes away: so does the handle',
    async run(world) {
      const { tom } = world.people;
      await world.dns.publish(tom.handle);
      assert.deepEqual(await kdigTxt(world, tom.handle), []);
      const { status, body } = await fresh(world, tom.handle);
      assert.equal(status, 404, JSON.stringify(body));
    },
  },
];
