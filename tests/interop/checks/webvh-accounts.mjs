// An account that lives here: made by `namesake identity` at a served Namesake, and read by everybody else.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateParallelDidWeb, resolveDID } from 'didwebvh-ts';
import { identityResolver } from './ask.mjs';
import { namesake, verifier, versionsByPython, versionsByTypeScript } from './webvh-peers.mjs';

/** What a command of the holder's prints about the account. */
async function holder(world, command, ...args) {
  const dir = join(world.dir, 'identity');
  const { code, stdout, stderr } = await namesake([command, '--dir', dir, '--json', ...args], { input: '' });
  assert.equal(code, 0, `${command}: ${stderr}`);
  return JSON.parse(stdout);
}

const atHost = async (world, did, path) => (await world.fetch(`https://${did.slice('did:web:'.length)}/.well-known/${path}`)).text();

/** Everybody sees this account, under this handle, with this head. */
async function everybodySees(world, { account, did, versionId }, handle) {
  const text = await atHost(world, account, 'did.jsonl');
  const file = join(world.dir, `account-${versionId}.jsonl`);
  writeFileSync(file, text);
  const verified = await namesake(['verify', file]);
  assert.equal(verified.stdout.split('\n')[0], versionId, verified.stderr);
  assert.deepEqual(await versionsByTypeScript([{ did, file }]), [versionId]);
  assert.deepEqual(await versionsByPython([{ did, file }]), [versionId]);

  const document = await identityResolver(world).did.resolve(account, true);
  assert.equal(document.alsoKnownAs[0], `at://${handle}`);
  const { state } = JSON.parse(text.trimEnd().split('\n').at(-1));
  assert.deepEqual(document, generateParallelDidWeb(did, state));
  assert.equal(await identityResolver(world).handle.resolve(handle), account);
}

let made;
async function account(world) {
  made ??= await holder(world, 'new', '--server', world.variants.accounts.url, '--handle', 'alice', '--yes', '--recovery-key-out', join(world.dir, 'recovery-key'));
  return made;
}

export default [
  {
    name: 'an account made here: @atproto/identity, didwebvh-ts and did-webvh see it, a rename and a rotation',
    async run(world) {
      const { domain } = world.accounts;
      await everybodySees(world, await account(world), `alice.${domain}`);
      const renamed = await holder(world, 'set-handle', '--handle', 'alicia');
      assert.match(renamed.versionId, /^2-/);
      await everybodySees(world, renamed, `alicia.${domain}`);
      assert.equal(await identityResolver(world).handle.resolve(`alice.${domain}`), undefined);
      const rotated = await holder(world, 'rotate');
      assert.match(rotated.versionId, /^3-/);
      await everybodySees(world, rotated, `alicia.${domain}`);
    },
  },
  {
    name: 'an account made here: didwebvh-ts fetches its log by DID',
    async run(world) {
      const { account: web, did } = await account(world);
      const log = (await atHost(world, web, 'did.jsonl')).trimEnd().split('\n');
      // It has no option for a `fetch` that trusts another authority.
      const { fetch } = globalThis;
      globalThis.fetch = world.fetch;
      try {
        const { meta, doc } = await resolveDID(did, { verifier });
        assert.equal(meta.error, undefined, JSON.stringify(meta.problemDetails));
        assert.equal(meta.versionId, JSON.parse(log.at(-1)).versionId);
        assert.equal(doc.id, did);
      } finally {
        globalThis.fetch = fetch;
      }
    },
  },
];
