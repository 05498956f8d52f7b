// Logs that hold and logs that break one rule each (`independent-model/tests/webvh/logs`): what Namesake makes of them as a
// program, and what other implementations do. Whatever they make of a log is written down here, so that a new version of
// theirs that judges otherwise is noticed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namesake, versionsByPython, versionsByTypeScript } from './webvh-peers.mjs';

/** Some 300 logs, one after the other. */
const MANY_LOGS_MS = 180_000;

/** Good logs that did-webvh refuses: it hashes times as it would write them itself, and has views on hosts and on zero. */
const PYTHON_REFUSES = ['a time with +00:00', 'a time with a digit after the point', 'a time a millisecond later', 'ttl that is 0', 'at 3k7q.x.test'];

/** Broken logs that both accept. */
const BOTH_ACCEPT = [
  'a member twice, with one value',
  'a member twice, deep in the document',
  'a member twice, once escaped',
  'a whole number written as a float',
  'a float',
  'a number beyond 2^53',
  'a number beyond -2^53',
  'nested too deep',
  'too large',
  'two proofs',
  'an unknown member in the proof',
  'a context in the proof',
  'a proof to come',
  'a proof from another zone',
  'nextKeyHashes omitted under pre-rotation',
  'an update key of P-256',
  'a commitment that is no hash',
  'a commitment of SHA-1',
  'a commitment with a zero byte before it',
  'an update key with a zero byte before it',
  'an update key in hexadecimal',
  'too many commitments',
  'deactivated that is 0',
  'ttl that is 2147483649',
  'portable once more',
  'a genesis that is the end',
  'an entry after the end',
  'an entry that takes the end back',
  'an entry after an end in two entries',
  'at "UPPER.handles-demo.test"',
  'at "under_score.handles-demo.test"',
  'at "b%C3%BCcher.handles-demo.test"',
  'at "id.handles-demo.test%3A080"',
  'a move without the old address',
  'a move with the old did:web alone',
  'a move back without the new address',
];
/** Broken logs that only didwebvh-ts accepts; among them one whose last entry has no proof at all. */
const TYPESCRIPT_ACCEPTS = [
  'an empty line at the end',
  'an unknown member',
  'a proof outside a list',
  'no proof',
  'a proof created at a number',
  'a proof from no time',
  'a key without fragment',
  'a signature whose R is of small order',
  'an update key that is a number',
  'commitments that are an object',
  'portable that is "true"',
  'portable that is 1',
  'deactivated that is "false"',
  'ttl that is "300"',
  'ttl that is -1',
  'watchers that is "https://watcher.handles-demo.test"',
  'watchers that is [1]',
  'witness that is []',
  'nextKeyHashes that is null',
  'witness that is null',
  'watchers that is null',
  'portable that is null',
  'deactivated that is null',
  'ttl that is null',
  'an unknown parameter',
  'an unknown parameter that is null',
  'a parameter in another case',
  'a witness with a threshold only',
  'an older method',
  'a leading zero',
  'at "10.0.0.1."',
  'at "0x7f.0x1"',
  'at "[::1]"',
  'at "localhost"',
  'at ""',
  'at "-hyphen.handles-demo.test"',
  'at "two..dots.test"',
  'at "bücher.handles-demo.test"',
  'at "id.handles-demo.test%3A+80"',
  'at "id.handles-demo.test:"',
  'at "id.handles-demo.test::alice"',
  'at "id.handles-demo.test/alice"',
  'at " id.handles-demo.test"',
];
/** Broken logs that only did-webvh accepts. */
const PYTHON_ACCEPTS = [
  'line breaks of old machines',
  'a proof without proofPurpose',
  'another proofPurpose',
  'a signature in hexadecimal',
  'a genesis with the placeholder left in',
  'a time in another zone',
  'a time to come',
  'at "id.handles-demo.test%3A0"',
  'at "id.handles-demo.test%3A65536"',
  'at "id.handles-demo.test:.."',
  'at "id.handles-demo.test:."',
  'at "id.handles-demo.test:a%2Fb"',
  'a move in the entry that ends portability',
];

/** What editors and copying leave in a file: the program reads past it, where the library, and the server, do not. */
const FILES_MAY_HAVE = ['an empty line at the end', 'a byte order mark'];

/** The logs, the files by their full names. */
function logs() {
  const dir = process.env.WEBVH_LOGS;
  const index = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8'));
  const [reference] = index;
  // What is nothing like a log is asked for under a DID that exists.
  return index.map((log) => ({ ...log, did: log.did ?? reference.did, file: join(dir, log.file) }));
}

const names = (list) => list.map(({ name }) => name).toSorted();

export default [
  {
    name: 'did:webvh: Namesake names the rule that each broken log breaks, and accepts the others',
    deadlineMs: MANY_LOGS_MS,
    async run() {
      const all = logs();
      const reference = all.find(({ name }) => name === 'the reference log');
      assert.ok(all.length > 250, `${all.length} logs`);
      for (const { name, file, head, rule, why } of all) {
        const { code, stdout, stderr } = await namesake(['verify', file]);
        if (rule === null || FILES_MAY_HAVE.includes(name)) {
          assert.equal(code, 0, `${name}: ${stderr}`);
          assert.equal(stdout.split('\n')[0], head ?? reference.head, name);
        } else {
          assert.notEqual(code, 0, name);
          assert.ok(stderr.includes(`${why} (${rule})`), `${name}: ${stderr}, not: ${why} (${rule})`);
        }
      }
    },
  },
  {
    name: 'did:webvh: didwebvh-ts and did-webvh accept what Namesake accepts',
    deadlineMs: MANY_LOGS_MS,
    async run() {
      const good = logs().filter(({ rule }) => rule === null);
      const heads = good.map(({ head }) => head);
      assert.deepEqual(await versionsByTypeScript(good), heads);
      const refused = new Set(PYTHON_REFUSES);
      const expected = good.map(({ name, head }) => (refused.has(name) ? null : head));
      assert.deepEqual(await versionsByPython(good), expected);
    },
  },
  {
    name: 'did:webvh: didwebvh-ts and did-webvh refuse broken logs, but for those they are known to accept',
    deadlineMs: MANY_LOGS_MS,
    async run() {
      const broken = logs().filter(({ rule }) => rule !== null);
      const accepted = (versions) => names(broken.filter((_, i) => versions[i] !== null));
      assert.deepEqual(accepted(await versionsByTypeScript(broken)), [...BOTH_ACCEPT, ...TYPESCRIPT_ACCEPTS].toSorted());
      assert.deepEqual(accepted(await versionsByPython(broken)), [...BOTH_ACCEPT, ...PYTHON_ACCEPTS].toSorted());
    },
  },
];
