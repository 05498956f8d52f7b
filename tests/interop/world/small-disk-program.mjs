// Runs in a mount namespace of its own (see checks/store.mjs): the store is on a small file system that somebody fills.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, start, stopAll, tail, until } from './process.mjs';

const [dir, binary] = process.argv.slice(2);
const disk = join(dir, 'disk');
const log = join(dir, 'namesake.log');

mkdirSync(disk, { recursive: true });
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'tmpfs', disk]);
const url = `http://127.0.0.1:${await freePort()}`;
writeFileSync(
  join(dir, 'namesake.toml'),
  `[server]
listen = "${url.slice(7)}"
public_url = "${url}"
[store]
url = "sled:${disk}/store"
[independent]
handle_domains = ["people.test"]
id_domain = "id.people.test"
`,
);

/** The exit code of a registration, and what was said. */
function register(name) {
  const args = ['identity', 'new', '--server', url, '--handle', `${name}.people.test`, '--yes', '--dir', join(dir, name), '--recovery-key-out', join(dir, `${name}.key`)];
  return new Promise((resolve) => {
    execFile(binary, args, { cwd: dir, timeout: 20_000 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, said: stdout + stderr }));
  });
}

const status = async (path) => (await fetch(url + path, { signal: AbortSignal.timeout(5_000) })).status;
const logged = (event) => readFileSync(log, 'utf8').split(event).length - 1;

/** Takes all of the disk, or all but `leave` bytes. */
function fill(leave) {
  const file = openSync(join(disk, 'somebody'), 'w');
  const piece = Buffer.alloc(64 * 1024);
  const free = () => Number(statfsSync(disk).bavail * statfsSync(disk).bsize);
  try {
    while (free() > leave) writeSync(file, piece);
  } catch (error) {
    assert.equal(error.code, 'ENOSPC');
  } finally {
    closeSync(file);
  }
}

try {
  const service = start(binary, ['serve', '--config', join(dir, 'namesake.toml')], { env: { PATH: process.env.PATH }, log });
  await until('namesake is ready', async () => ((await status('/readyz')) === 200 ? true : undefined));
  assert.equal((await register('alice')).code, 0);
  // Twice: to the last byte, and with a little left, which is not enough.
  for (const [round, leave] of [0, 2 * 1024 * 1024].entries()) {
    fill(leave);
    for (const name of ['bob', 'bobby']) {
      const refused = await register(`${name}${round}`);
      assert.equal(refused.code, 3, `temporary: ${refused.said}`);
    }
    assert.equal(await status('/@alice.people.test'), 200, 'who is there is found');
    assert.equal(logged('store.full'), round + 1, 'said once each time');
    rmSync(join(disk, 'somebody'));
    const carol = await register(`carol${round}`);
    assert.equal(carol.code, 0, carol.said);
    assert.equal(await status(`/@carol${round}.people.test`), 200);
    assert.equal(logged('store.has_room'), round + 1);
  }
  assert.equal(logged('store.failed'), 0, 'the disk never failed: it was not written to');
  assert.equal(service.exitCode, null, 'without a new start');
} catch (error) {
  console.error(`${error.stack}\n${tail(log, 30)}`);
  process.exitCode = 1;
} finally {
  await stopAll();
}
