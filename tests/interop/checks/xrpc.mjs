// com.atproto.identity.* through the official client `@atproto/api`, which validates what it gets.
import assert from 'node:assert/strict';
import { ComAtprotoIdentityResolveHandle } from '@atproto/api';
import { identityApi, rejectsWith, UNKNOWN_DID } from './ask.mjs';

export default [
  {
    name: '@atproto/api resolveHandle',
    async run(world) {
      for (const person of [world.people.alice, world.people.bob, world.people.jane]) {
        const { data } = await identityApi(world).resolveHandle({ handle: person.handle });
        assert.deepEqual(data, { did: person.did });
      }
    },
  },
  {
    name: '@atproto/api resolveHandle: nobody is 400 HandleNotFound',
    async run(world) {
      for (const handle of ['nobody.test', 'nobody.example.com']) {
        const asked = identityApi(world).resolveHandle({ handle });
        const error = await rejectsWith(asked, 400, 'HandleNotFound', 'Unable to resolve handle');
        assert.ok(error instanceof ComAtprotoIdentityResolveHandle.HandleNotFoundError);
      }
    },
  },
  {
    name: '@atproto/api resolveHandle: bad syntax is 400 InvalidRequest',
    async run(world) {
      await rejectsWith(identityApi(world).resolveHandle({ handle: '@alice.test' }), 400, 'InvalidRequest');
    },
  },
  {
    name: '@atproto/api resolveDid: the document',
    async run(world) {
      const { alice } = world.people;
      const { data } = await identityApi(world).resolveDid({ did: alice.did });
      assert.equal(data.didDoc.id, alice.did);
      assert.deepEqual(data.didDoc.alsoKnownAs, [`at://${alice.handle}`]);
    },
  },
  {
    name: '@atproto/api resolveDid: nobody is 400 DidNotFound',
    async run(world) {
      await rejectsWith(identityApi(world).resolveDid({ did: UNKNOWN_DID }), 400, 'DidNotFound');
    },
  },
  {
    name: '@atproto/api resolveIdentity: by handle and by DID',
    async run(world) {
      const { alice } = world.people;
      for (const identifier of [alice.handle, alice.did]) {
        const { data } = await identityApi(world).resolveIdentity({ identifier });
        assert.deepEqual({ did: data.did, handle: data.handle, id: data.didDoc.id }, { did: alice.did, handle: alice.handle, id: alice.did });
      }
    },
  },
  {
    name: "@atproto/api resolveIdentity: another's claim is handle.invalid",
    async run(world) {
      // Both DIDs claim tom.example.com; DNS names the first.
      const { tom, otherTom } = world.people;
      const handleOf = async (did) => (await identityApi(world).resolveIdentity({ identifier: did })).data.handle;
      assert.equal(await handleOf(tom.did), 'tom.example.com');
      assert.equal(await handleOf(otherTom.did), 'handle.invalid');
    },
  },
];
