// A wall clock that is set back a day under a running Namesake (Debian's faketime); the clock that only runs goes on.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startNamesake } from '../world/namesake.mjs';
import { freePort, until } from '../world/process.mjs';

const TTL_SECONDS = 4;
const DAY_MS = 24 * 3600 * 1000;

function library() {
  const found = readdirSync('/usr/lib').map((folder) => join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1')).find(existsSync);
  assert.ok(found, "Debian's faketime is installed");
  return found;
}

/** The same world, with a Namesake in it whose wall clock is a day fast, until `setBack`: the world's certificates hold at either time. */
async function withClock(world) {
  const port = await freePort();
  const [config, offset] = ['toml', 'clock'].map((end) => join(world.dir, `namesake-clock.${end}`));
  const text = readFileSync(world.namesake.config, 'utf8').replaceAll(`127.0.0.1:${world.namesake.port}`, `127.0.0.1:${port}`);
  writeFileSync(config, text.replaceAll(/ttl_seconds = \d+/g, `ttl_seconds = ${TTL_SECONDS}`));
  const set = (text) => writeFileSync(offset, `${text}\n`);
  set('+1d');
  const env = { LD_PRELOAD: library(), FAKETIME_TIMESTAMP_FILE: offset, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
  const url = `http://127.0.0.1:${port}`;
  await startNamesake(process.env.NAMESAKE_BIN, { config, url, env }, join(world.dir, 'namesake-clock.log'));
  return { url, setBack: () => set('+0d') };
}

async function ask(url, path) {
  const response = await fetch(url + path, { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(10_000) });
  const age = Number(response.headers.get('age'));
  const kept = Number(/^max-age=(\d+)$/.exec(response.headers.get('cache-control'))?.[1] ?? 0);
  return { status: response.status, age, kept, checkedAt: Date.parse(response.headers.get('namesake-checked-at')) };
}

export default [
  {
    name: 'a clock that is set back a day makes no answer younger, longer-lived or unasked',
    async run(world) {
      const { url, setBack } = await withClock(world);
      const doors = ['/v1/resolve?handle=alice.test', '/v1/resolve?handle=nobody.test', '/xrpc/com.atproto.identity.resolveHandle?handle=alice.test'];
      const isFast = ({ checkedAt }) => checkedAt > Date.now() + DAY_MS / 2;
      for (const door of doors) {
        const answer = await ask(url, door);
        assert.ok(answer.kept <= TTL_SECONDS && isFast(answer), `${door}: ${JSON.stringify(answer)}`);
      }
      setBack();
      assert.ok(!isFast(await ask(url, '/v1/resolve?handle=bob.test')), 'the clock is set back');
      for (const door of doors) {
        await until(`${door} is asked again in its time`, async () => {
          const answer = await ask(url, door);
          const { age, kept } = answer;
          assert.ok(kept <= TTL_SECONDS && age <= 2 * TTL_SECONDS, `${door}: max-age=${kept}, age ${age}`);
          return isFast(answer) ? undefined : true;
        }, { withinMs: 4 * TTL_SECONDS * 1000, everyMs: 200 });
      }
    },
  },
];
