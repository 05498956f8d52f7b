// Unmodified PyPI `atproto`: its client aimed at Namesake, its resolvers on their own. One process asks everything.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { HANDLES, handlesAsNamesakeSees, identityApi, UNKNOWN_DID } from './ask.mjs';

// Of two contradicting TXT records it believes whichever comes first: not compared.
const COMPARED = HANDLES.filter((handle) => handle !== 'twin.example.com');

const PYTHON = join(import.meta.dirname, '../.venv-clients/bin/python');
const PROGRAM = join(import.meta.dirname, 'python-client.py');

function ask(world) {
  const { alice, bob, jane, tom, otherTom } = world.people;
  const question = {
    namesake: world.namesake.url,
    plc: world.plc.url,
    nameserver: world.dns.address,
    handles: HANDLES,
    dids: [alice, bob, jane, tom, otherTom].map(({ did }) => did).concat(UNKNOWN_DID),
  };
  const env = {
    PATH: process.env.PATH,
    PYTHONDONTWRITEBYTECODE: '1',
    HTTPS_PROXY: `http://127.0.0.1:${world.tunnel.port}`,
    SSL_CERT_FILE: world.authority.caFile,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(PYTHON, [PROGRAM], { env, timeout: 30_000 }, (error, stdout) => (error ? reject(error) : resolve(JSON.parse(stdout))));
    child.stdin.end(JSON.stringify(question));
  });
}

const asking = new WeakMap();
function answers(world) {
  if (!asking.has(world)) asking.set(world, ask(world));
  return asking.get(world);
}

export default [
  {
    name: "PyPI atproto's Client, aimed at Namesake: handles, DIDs, identities, typed errors",
    async run(world) {
      const { alice, bob, jane, tom, otherTom } = world.people;
      const { handles, dids, identities } = (await answers(world)).namesake;
      for (const { handle, did } of [alice, bob, jane]) assert.equal(handles[handle], did);
      for (const handle of ['nobody.test', 'nobody.example.com']) {
        assert.deepEqual(handles[handle], { status: 400, error: 'HandleNotFound', message: 'Unable to resolve handle' });
      }
      assert.deepEqual([handles['twin.example.com'].status, handles['twin.example.com'].error], [502, 'UpstreamFailure']);
      for (const { handle, did } of [alice, bob, jane, tom]) assert.deepEqual([dids[did], identities[did]], [did, handle]);
      assert.equal(identities[otherTom.did], 'handle.invalid');
      for (const answer of [dids[UNKNOWN_DID], identities[UNKNOWN_DID]]) {
        assert.deepEqual([answer.status, answer.error], [400, 'DidNotFound']);
      }
    },
  },
  {
    name: 'PyPI atproto IdResolver and AsyncIdResolver agree with Namesake on handles',
    async run(world) {
      const ours = await handlesAsNamesakeSees(world);
      const { sync, async } = await answers(world);
      for (const theirs of [sync, async]) {
        for (const handle of COMPARED) assert.equal(theirs.handles[handle] ?? undefined, ours[handle], handle);
      }
    },
  },
  {
    name: 'PyPI atproto IdResolver and AsyncIdResolver agree with Namesake on documents',
    async run(world) {
      const { sync, async } = await answers(world);
      assert.deepEqual(sync.documents, async.documents);
      for (const [did, theirs] of Object.entries(sync.documents)) {
        if (did === UNKNOWN_DID) {
          assert.equal(theirs, null);
          continue;
        }
        const { didDoc } = (await identityApi(world).resolveDid({ did })).data;
        const endpoint = didDoc.service.find(({ id }) => id.endsWith('#atproto_pds')).serviceEndpoint;
        assert.deepEqual([theirs.id, `at://${theirs.handle}`, theirs.pds], [didDoc.id, didDoc.alsoKnownAs[0], endpoint]);
        assert.match(theirs.key, /^did:key:z/);
      }
    },
  },
];
