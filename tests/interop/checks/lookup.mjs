// Plain lookups of accounts that live on a real PDS.
import assert from 'node:assert/strict';
import { getJson, getResolution } from './ask.mjs';

function assertResolution(body, person, method) {
  assert.equal(body.handle, person.handle);
  assert.equal(body.account, person.did);
  assert.equal(body.proof.method, method);
  assert.equal(body.proof.provisional, false);
  assert.ok(Math.abs(Date.now() - Date.parse(body.proof.checkedAt)) < 60_000, `checkedAt: ${body.proof.checkedAt}`);
  assert.equal(body.profile.displayName, person.displayName);
  assert.equal(body.profile.description, person.description);
  assert.notEqual(body.freshness?.stale, true); // prepared answers leave it out and say it in a header
}

export default [
  {
    name: 'GET /@handle: proved by https well-known, profile from the PDS',
    async run(world) {
      const before = world.front.seen.length;
      assertResolution(await getResolution(world, '/@alice.test'), world.people.alice, 'https-well-known');
      // The answer came from the real thing: the PDS was asked, through TLS, under the handle's own name.
      const asked = world.front.seen.slice(before);
      assert.ok(
        asked.some(({ host, url, status }) => host === 'alice.test' && url === '/.well-known/atproto-did' && status === 200),
        `the front saw ${JSON.stringify(asked)}`,
      );
    },
  },
  {
    name: 'GET /profile/handle: the same identity',
    async run(world) {
      assertResolution(await getResolution(world, '/profile/alice.test'), world.people.alice, 'https-well-known');
    },
  },
  {
    name: 'GET /profile/did: the same identity',
    async run(world) {
      const { alice } = world.people;
      const body = await getResolution(world, `/profile/${alice.did}`);
      assert.deepEqual(
        { handle: body.handle, account: body.account, displayName: body.profile.displayName },
        { handle: alice.handle, account: alice.did, displayName: alice.displayName },
      );
    },
  },
  {
    name: 'GET /@handle: proved by DNS where a TXT record exists',
    async run(world) {
      assertResolution(await getResolution(world, '/@bob.test'), world.people.bob, 'dns-txt');
    },
  },
  {
    name: 'GET /@handle: a foreign name proved by DNS alone',
    async run(world) {
      const body = await getResolution(world, '/@jane.example.com');
      assert.equal(body.account, world.people.jane.did);
      assert.equal(body.proof.method, 'dns-txt');
    },
  },
  {
    name: 'GET /@handle: nobody is 404',
    async run(world) {
      const { status, body } = await getJson(world, '/@nobody.test');
      assert.equal(status, 404, JSON.stringify(body));
    },
  },
];
