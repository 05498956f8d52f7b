// Logs that other implementations write, and what Namesake makes of them.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getPublicKeyAsync, signAsync, utils } from '@noble/ed25519';
import { createDID, deactivateDID, deriveNextKeyHash, multibaseEncode, MultibaseEncoding, prepareDataForSigning, updateDID } from 'didwebvh-ts';
import { until } from '../world/process.mjs';
import { namesake, python, verifier } from './webvh-peers.mjs';

const HOST = 'u-theirs.id.example.org';

/** A key as didwebvh-ts wants it. */
async function newKey() {
  const secret = utils.randomSecretKey();
  const multikey = multibaseEncode(new Uint8Array([0xed, 0x01, ...(await getPublicKeyAsync(secret))]), MultibaseEncoding.BASE58_BTC);
  const signer = {
    getVerificationMethodId: () => `did:key:${multikey}#${multikey}`,
    async sign({ document, proof }) {
      const signature = await signAsync(await prepareDataForSigning(document, proof), secret);
      return { proofValue: multibaseEncode(signature, MultibaseEncoding.BASE58_BTC) };
    },
  };
  const verificationMethods = [{ type: 'Multikey', publicKeyMultibase: multikey }];
  return { multikey, signer, verificationMethods, commitment: await deriveNextKeyHash(multikey) };
}

/** Some minutes ago: with no time given, two entries in one second would be dated into the future. */
const ago = (minutes) => new Date(Math.floor(Date.now() / 1000) * 1000 - minutes * 60_000).toISOString().replace('.000Z', 'Z');

async function holds(world, name, log) {
  const file = join(world.dir, `${name}.jsonl`);
  writeFileSync(file, log.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  await holdsAs(file, log.at(-1).versionId);
}

async function holdsAs(file, head) {
  const { code, stdout, stderr } = await namesake(['verify', file]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.split('\n')[0], head);
}

export default [
  {
    name: 'did:webvh: Namesake accepts a log of didwebvh-ts with one key, renamed and closed',
    async run(world) {
      const key = await newKey();
      const { signer, verificationMethods } = key;
      const common = { signer, verifier, verificationMethods, updateKeys: [key.multikey] };
      const created = await createDID({ ...common, address: HOST, alsoKnownAs: ['at://theirs.example.com'], created: ago(9) });
      await holds(world, 'ts-created', created.log);
      const updated = await updateDID({ ...common, log: created.log, alsoKnownAs: ['at://renamed.example.com'], updated: ago(6) });
      await holds(world, 'ts-updated', updated.log);
      const { stdout } = await namesake(['verify', '--json', join(world.dir, 'ts-updated.jsonl')]);
      const { handles } = JSON.parse(stdout);
      assert.deepEqual(handles.map(({ handle }) => handle), ['theirs.example.com', 'renamed.example.com']);
      // It dates the end a second after the entry before, or now.
      const closed = await deactivateDID({ log: updated.log, signer: key.signer, verifier });
      await holds(world, 'ts-closed', closed.log);
    },
  },
  {
    name: 'did:webvh: Namesake accepts a log of didwebvh-ts with pre-rotation, turned off at last',
    async run(world) {
      const [first, second, third] = [await newKey(), await newKey(), await newKey()];
      const by = ({ signer, multikey, verificationMethods }) => ({ signer, verifier, verificationMethods, updateKeys: [multikey] });
      const created = await createDID({ ...by(first), address: HOST, portable: true, nextKeyHashes: [second.commitment], created: ago(9) });
      const rotated = await updateDID({ ...by(second), log: created.log, nextKeyHashes: [third.commitment], updated: ago(6) });
      const off = await updateDID({ ...by(third), log: rotated.log, nextKeyHashes: [], updated: ago(3) });
      for (const [name, { log }] of Object.entries({ created, rotated, off })) await holds(world, `ts-prerotation-${name}`, log);
    },
  },
  {
    name: 'did:webvh: Namesake accepts a log of did-webvh, as made and as updated',
    async run(world) {
      const home = mkdtempSync(join(world.dir, 'did-webvh-'));
      const made = await python(['-m', 'did_webvh.provision', '--auto', HOST], { cwd: home, home });
      const dir = join(home, made.match(/Provisioned DID in (.*)/)[1]);
      const log = join(dir, 'did.jsonl');
      const head = () => JSON.parse(readFileSync(log, 'utf8').trimEnd().split('\n').at(-1)).versionId;
      // An entry in the second of the one before is dated into the next.
      const soon = () => until('the log holds', async () => (await holdsAs(log, head())) ?? true, { withinMs: 5_000, everyMs: 200 });
      await soon();
      const document = join(dir, 'did.json');
      writeFileSync(document, JSON.stringify({ ...JSON.parse(readFileSync(document, 'utf8')), alsoKnownAs: ['at://theirs.example.com'] }));
      await python(['-m', 'did_webvh.update', '--auto', dir], { cwd: home, home });
      assert.match(head(), /^2-/);
      await soon();
    },
  },
];
