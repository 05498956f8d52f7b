// The holder changes the handle on the PDS, which signs it into the directory: Namesake must follow.
import assert from 'node:assert/strict';
import { until } from '../world/process.mjs';
import { fresh, getResolution, identityApi, rejectsWith } from './ask.mjs';

// Namesake caches for 2 s here; refreshing behind the answer may cost one more round.
const SOON = { withinMs: 15_000, everyMs: 200 };

export default [
  {
    name: 'rename on the PDS: the new name resolves, the old one no longer',
    async run(world) {
      const { carol } = world.people;
      // Everything that the rename makes wrong is in the caches: the old name, the DID, the absence of the new name.
      await getResolution(world, '/@carol.test');
      assert.equal((await identityApi(world).resolveHandle({ handle: 'carol.test' })).data.did, carol.did);
      assert.equal((await identityApi(world).resolveIdentity({ identifier: carol.did })).data.handle, 'carol.test');
      await rejectsWith(identityApi(world).resolveHandle({ handle: 'caroline.test' }), 400, 'HandleNotFound');

      await carol.agent.com.atproto.identity.updateHandle({ handle: 'caroline.test' });

      const found = await fresh(world, 'caroline.test');
      assert.deepEqual({ status: found.status, account: found.body.account }, { status: 200, account: carol.did }, JSON.stringify(found.body));
      assert.equal(found.body.profile.displayName, carol.displayName);
      const gone = await fresh(world, 'carol.test');
      assert.equal(gone.status, 404, JSON.stringify(gone.body));
    },
  },
  {
    name: 'rename on the PDS: cached answers follow within their ttl',
    async run(world) {
      const { carol } = world.people;
      await until("the DID's handle follows", async () => {
        const { data } = await identityApi(world).resolveIdentity({ identifier: carol.did });
        assert.equal(data.handle, 'caroline.test');
        return true;
      }, SOON);
      await until('the old name is HandleNotFound', async () => {
        await rejectsWith(identityApi(world).resolveHandle({ handle: 'carol.test' }), 400, 'HandleNotFound');
        return true;
      }, SOON);
      await until('the new name is found', async () => {
        const { data } = await identityApi(world).resolveHandle({ handle: 'caroline.test' });
        assert.equal(data.did, carol.did);
        return true;
      }, SOON);
    },
  },
  {
    name: 'move to an own domain: proved by DNS, seen at once by refreshIdentity',
    async run(world) {
      const { carol } = world.people;
      await world.dns.publish('carol.example.com', carol.did);
      // The PDS takes the name only after it has verified the TXT record itself.
      await carol.agent.com.atproto.identity.updateHandle({ handle: 'carol.example.com' });

      const { data } = await identityApi(world).refreshIdentity({ identifier: carol.did });
      assert.deepEqual({ did: data.did, handle: data.handle }, { did: carol.did, handle: 'carol.example.com' });
      const body = await getResolution(world, '/@carol.example.com');
      assert.deepEqual({ account: body.account, method: body.proof.method }, { account: carol.did, method: 'dns-txt' });
    },
  },
];
