// Namesake with `verify_plc`: logs that a real PDS signed and a real directory keeps, checked to the first operation.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startNamesake } from '../world/namesake.mjs';
import { freePort } from '../world/process.mjs';
import { getJson, getResolution, identityApi } from './ask.mjs';

let checking;

/** The same world, with a second Namesake in it that believes logs only. */
async function withLogs(world) {
  if (checking) return checking;
  const port = await freePort();
  const config = join(world.dir, 'namesake-plc-log.toml');
  const text = readFileSync(world.namesake.config, 'utf8').replaceAll(`127.0.0.1:${world.namesake.port}`, `127.0.0.1:${port}`);
  writeFileSync(config, text.replace('[atproto]', '[atproto]\nverify_plc = true'));
  const url = `http://127.0.0.1:${port}`;
  await startNamesake(process.env.NAMESAKE_BIN, { config, url }, join(world.dir, 'namesake-plc-log.log'));
  checking = { ...world, namesake: { ...world.namesake, port, url, config } };
  return checking;
}

const fromDirectory = async (world, path) => (await fetch(`${world.plc.url}/${path}`)).json();

export default [
  {
    name: "verify_plc: everybody's log holds, and gives the directory's document",
    async run(world) {
      const logs = await withLogs(world);
      const people = Object.values(world.people).filter(({ did }) => did?.startsWith('did:plc:'));
      assert.ok(people.length > 0);
      for (const { did } of people) {
        const { data } = await identityApi(logs).resolveDid({ did });
        const theirs = await fromDirectory(world, did);
        assert.deepEqual(data.didDoc.alsoKnownAs, theirs.alsoKnownAs);
        assert.deepEqual(data.didDoc.service, theirs.service);
        const keys = Object.values((await fromDirectory(world, `${did}/data`)).verificationMethods);
        assert.deepEqual(data.didDoc.verificationMethod.map((key) => `did:key:${key.publicKeyMultibase}`), keys);
      }
    },
  },
  {
    name: 'verify_plc: a holder who changed names is found, and the history has them all',
    async run(world) {
      const logs = await withLogs(world);
      const { carol } = world.people;
      const body = await getResolution(logs, '/@carol.example.com');
      assert.equal(body.account, carol.did);

      const { status, body: history } = await getJson(logs, `/v1/accounts/${carol.did}/handles`);
      assert.equal(status, 200, JSON.stringify(history));
      assert.deepEqual(history.handles.map(({ handle }) => handle), ['carol.test', 'caroline.test', 'carol.example.com']);
      const [first, second, today] = history.handles;
      assert.deepEqual([first.until, second.until, today.until, today.verified], [second.from, today.from, null, true]);
      const log = await fromDirectory(world, `${carol.did}/log/audit`);
      assert.equal(Date.parse(first.from), Date.parse(log[0].createdAt));
    },
  },
];
