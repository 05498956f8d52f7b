// Unmodified `@atproto/identity`: the resolver that PDSs and AppViews have built in.
//
// It does DNS, https and the directory itself and has no notion of a resolution service, so three things are shown:
//  1. agreement: what it finds out by itself equals what Namesake answers, also where the right answer is "nobody";
//  2. its document code takes Namesake's documents: its DidResolver gets what `resolveDid` answers in place of the directory's
//     answer (through its `fetch` option), and its own schema, `id` check and key parsing pass judgement;
//  3. accounts that live on Namesake resolve from Namesake alone: handle by `/.well-known/atproto-did`, did:web by
//     `/.well-known/did.json`, both over verified TLS at the account's own host names.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DidResolver } from '@atproto/identity';
import { identityApi, identityResolver } from './ask.mjs';

const HANDLES = ['alice.test', 'bob.test', 'jane.example.com', 'twin.example.com', 'nobody.test', 'nobody.example.com'];

export default [
  {
    name: '@atproto/identity and Namesake agree on every handle',
    async run(world) {
      const theirs = {};
      const ours = {};
      for (const handle of HANDLES) {
        theirs[handle] = await identityResolver(world).handle.resolve(handle);
        ours[handle] = await identityApi(world).resolveHandle({ handle }).then(
          ({ data }) => data.did,
          (error) => (error.status >= 400 ? undefined : Promise.reject(error)), // refused: theirs is undefined, too
        );
      }
      assert.deepEqual(ours, theirs);
      // The agreement is about something: three are found and three are not.
      assert.equal(Object.values(theirs).filter((did) => did?.startsWith('did:plc:')).length, 3);
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
  {
    name: '@atproto/identity resolves an account that lives on Namesake',
    async run(world) {
      const handle = `dana.${world.hosted.handleDomain}`;
      await register(world, handle);
      const resolver = identityResolver(world);
      const did = await resolver.handle.resolve(handle);
      assert.ok(did?.startsWith('did:web:') && did.endsWith(`.${world.hosted.idDomain}`), `handle ⇒ ${did}`);
      const document = await resolver.did.ensureResolve(did); // throws unless it is a document with this id
      assert.ok(document.alsoKnownAs?.includes(`at://${handle}`), JSON.stringify(document.alsoKnownAs));
      const { data } = await identityApi(world).resolveIdentity({ identifier: handle });
      assert.deepEqual({ did: data.did, handle: data.handle }, { did, handle });
      // The PDS learns it from Namesake, like any other handle that is not its own.
      assert.equal((await askPds(world, handle)).did, did);
    },
  },
];

/** Registration as a user does it: a signed log entry, made and sent by the command line. */
async function register(world, handle) {
  const args = ['identity', 'new', '--server', world.namesake.url, '--handle', handle, '--dir', join(world.dir, 'dana')];
  await promisify(execFile)(process.env.NAMESAKE_BIN, args, { timeout: 20_000 });
}

async function askPds(world, handle) {
  const response = await world.fetch(`${world.pds.url}/xrpc/com.atproto.identity.resolveHandle?handle=${handle}`);
  return response.json();
}
