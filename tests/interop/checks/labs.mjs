// Unmodified `@atproto-labs/*`: the resolvers that the OAuth client, and with it most apps, have built in.
//
// Its XRPC client takes only 400 InvalidRequest "Unable to resolve handle" for "nobody"; Namesake says so where the setting
// `not_found_is_invalid_request` asks for it (the variant `invalidRequest`). What it does without that is shown, too.
import assert from 'node:assert/strict';
import { DidResolverCommon } from '@atproto-labs/did-resolver';
import { createHandleResolver, HandleResolverError, XrpcHandleResolver } from '@atproto-labs/handle-resolver';
import { AtprotoHandleResolverNode } from '@atproto-labs/handle-resolver-node';
import { createIdentityResolver } from '@atproto-labs/identity-resolver';
import { HANDLES, handlesAsNamesakeSees, identityApi, UNKNOWN_DID } from './ask.mjs';

const ownHandles = (world) => new AtprotoHandleResolverNode({ fetch: world.fetch });
const ownDocuments = (world) => new DidResolverCommon({ plcDirectoryUrl: world.plc.url, fetch: world.fetch });

export default [
  {
    name: '@atproto-labs XrpcHandleResolver, aimed at Namesake: found; nobody is null (with the setting)',
    async run(world) {
      const { alice, bob, jane } = world.people;
      const resolver = new XrpcHandleResolver(world.variants.invalidRequest.url);
      for (const { handle, did } of [alice, bob, jane]) assert.equal(await resolver.resolve(handle), did);
      for (const handle of ['nobody.test', 'nobody.example.com']) assert.equal(await resolver.resolve(handle), null);
      // Two contradicting TXT records are trouble, not absence: neither a DID nor null.
      await assert.rejects(resolver.resolve('twin.example.com'), HandleResolverError);
    },
  },
  {
    name: '@atproto-labs XrpcHandleResolver, without the setting: found; nobody is an error',
    async run(world) {
      const { jane } = world.people;
      const resolver = createHandleResolver({ handleResolver: world.namesake.url });
      assert.equal(await resolver.resolve(jane.handle), jane.did);
      await assert.rejects(resolver.resolve('nobody.example.com'), HandleResolverError);
    },
  },
  {
    name: '@atproto-labs/handle-resolver-node and Namesake agree on every handle',
    async run(world) {
      const theirs = {};
      for (const handle of HANDLES) theirs[handle] = (await ownHandles(world).resolve(handle)) ?? undefined;
      assert.deepEqual(await handlesAsNamesakeSees(world), theirs);
    },
  },
  {
    name: '@atproto-labs/did-resolver and Namesake agree on every document',
    async run(world) {
      for (const { did } of Object.values(world.people)) {
        const { data } = await identityApi(world).resolveDid({ did });
        assert.deepEqual(data.didDoc, await ownDocuments(world).resolve(did));
      }
      await assert.rejects(ownDocuments(world).resolve(UNKNOWN_DID), { status: 404 });
      await assert.rejects(identityApi(world).resolveDid({ did: UNKNOWN_DID }), { error: 'DidNotFound' });
    },
  },
  {
    name: '@atproto-labs/identity-resolver agrees, with its own eyes and with Namesake for handles',
    async run(world) {
      const { alice, bob, jane, tom, otherTom } = world.people;
      const common = { plcDirectoryUrl: world.plc.url, fetch: world.fetch };
      const asked = [alice, bob, jane, tom].flatMap(({ handle, did }) => [handle, did]).concat(otherTom.did);
      for (const handleResolver of [ownHandles(world), world.variants.invalidRequest.url]) {
        const resolver = createIdentityResolver({ ...common, handleResolver });
        for (const identifier of asked) {
          const { data } = await identityApi(world).resolveIdentity({ identifier });
          assert.deepEqual(data, await resolver.resolve(identifier), identifier);
        }
        await assert.rejects(resolver.resolve('nobody.example.com'), { name: 'IdentityResolverError' });
      }
      assert.equal((await identityApi(world).resolveIdentity({ identifier: otherTom.did })).data.handle, 'handle.invalid');
    },
  },
];
