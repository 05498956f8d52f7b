// The PDS uses Namesake as its AppView: every handle it does not host, it asks for here. The gate in between counts.
import assert from 'node:assert/strict';
import { AtpAgent } from '@atproto/api';
import { rejectsWith } from './ask.mjs';

const pdsApi = (world) => new AtpAgent({ service: world.pds.url, fetch: world.fetch }).com.atproto.identity;

/** What the PDS asked of Namesake while `action` ran. */
async function askedDuring(world, action) {
  const before = world.gate.seen.length;
  await action();
  return world.gate.seen.slice(before).map(({ method, url, status, authorized }) => ({ method, url, status, authorized }));
}

export default [
  {
    name: 'the PDS asks Namesake for a foreign handle',
    async run(world) {
      const { jane } = world.people;
      const asked = await askedDuring(world, async () => {
        const { data } = await pdsApi(world).resolveHandle({ handle: jane.handle });
        assert.equal(data.did, jane.did);
      });
      assert.deepEqual(asked, [
        { method: 'GET', url: `/xrpc/com.atproto.identity.resolveHandle?handle=${jane.handle}`, status: 200, authorized: false },
      ]);
    },
  },
  {
    name: 'the PDS passes on that nobody has a handle',
    async run(world) {
      const asked = await askedDuring(world, () =>
        rejectsWith(pdsApi(world).resolveHandle({ handle: 'nobody.example.com' }), 400, 'InvalidRequest', 'Unable to resolve handle'),
      );
      assert.deepEqual(asked.map(({ status }) => status), [400]);
    },
  },
  {
    name: 'the PDS asks nobody for a handle it hosts',
    async run(world) {
      const { alice } = world.people;
      const asked = await askedDuring(world, async () => {
        const { data } = await pdsApi(world).resolveHandle({ handle: alice.handle });
        assert.equal(data.did, alice.did);
      });
      assert.deepEqual(asked, []);
    },
  },
  {
    name: "the PDS forwards its user's resolveIdentity and resolveDid to Namesake",
    async run(world) {
      const { alice, jane } = world.people;
      const user = alice.agent.com.atproto.identity;
      const asked = await askedDuring(world, async () => {
        const identity = await user.resolveIdentity({ identifier: jane.handle });
        assert.deepEqual({ did: identity.data.did, handle: identity.data.handle }, { did: jane.did, handle: jane.handle });
        const document = await user.resolveDid({ did: jane.did });
        assert.equal(document.data.didDoc.id, jane.did);
      });
      assert.deepEqual(
        asked.map(({ url, status }) => [url.split('?')[0], status]),
        [
          ['/xrpc/com.atproto.identity.resolveIdentity', 200],
          ['/xrpc/com.atproto.identity.resolveDid', 200],
        ],
      );
    },
  },
];
