// Unmodified `@atproto/identity`: the resolver that PDSs and AppViews have built in.
//
// It does DNS, https and the directory itself and has no notion of a resolution service, so two things are shown:
//  1. agreement: what it finds out by itself equals what Namesake answers, also where the right answer is "nobody";
//  2. its document code takes Namesake's documents: its DidResolver gets what `resolveDid` answers in place of the directory's
//     answer (through its `fetch` option), and its own schema, `id` check and key parsing pass judgement.
import assert from 'node:assert/strict';
import { DidResolver } from '@atproto/identity';
import { HANDLES, handlesAsNamesakeSees, identityApi, identityResolver } from './ask.mjs';

export default [
  {
    name: '@atproto/identity and Namesake agree on every handle',
    async run(world) {
      const theirs = {};
      for (const handle of HANDLES) theirs[handle] = await identityResolver(world).handle.resolve(handle);
      assert.deepEqual(await handlesAsNamesakeSees(world), theirs);
    },
  },
  {
    name: "@atproto/identity accepts Namesake's DID documents",
    async run(world) {
      const viaNamesake = new DidResolver({
        plcUrl: 'http://plc.invalid',
        fetch: async (url) => {
          const did = decodeURIComponent(new URL(url).pathname.slice(1));
          const { data } = await identityApi(world).resolveDid({ did });
          return Response.json(data.didDoc);
        },
      });
      for (const { did, handle } of [world.people.alice, world.people.jane]) {
        const data = await viaNamesake.resolveAtprotoData(did);
        assert.deepEqual(data, await identityResolver(world).did.resolveAtprotoData(did));
        assert.deepEqual({ did: data.did, handle: data.handle, pds: data.pds }, { did, handle, pds: world.pds.url });
        assert.match(data.signingKey, /^did:key:z/);
      }
    },
  },
];
