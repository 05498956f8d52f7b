// The store of a service that goes on: a key file that is rotated, and a disk that runs full.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, start, tail, until } from '../world/process.mjs';

const SMALL_DISK = join(import.meta.dirname, '../world/small-disk-program.mjs');
// The one client a sandbox knows.
const CLIENT = 'client_id = "1234567890"\nclient_secret = "sandbox-secret"';
/** A name that nobody confirms is released after so long. */
const UNCONFIRMED_SECONDS = 4;

/** A mirror of the sandbox of `namesake demo`, in a folder of its own. */
class Mirror {
  constructor(dir, url, sandbox) {
    Object.assign(this, { dir, url, keys: join(dir, 'keys'), starts: 0 });
    writeFileSync(
      join(dir, 'namesake.toml'),
      `[server]
listen = "${url.slice(7)}"
public_url = "${url}"
[store]
url = "sled:${dir}/store"
[mirror.threads]
kind = "threads"
authorize_url = "${sandbox}/oauth/authorize"
api_url = "${sandbox}/"
${CLIENT}
token_key_file = "${this.keys}"
poll_seconds = 1
max_unconfirmed_seconds = ${UNCONFIRMED_SECONDS}
`,
    );
  }

  start() {
    this.starts += 1;
    this.log = join(this.dir, `start-${this.starts}.log`);
    const args = ['serve', '--config', join(this.dir, 'namesake.toml')];
    this.child = start(process.env.NAMESAKE_BIN, args, { env: { PATH: process.env.PATH }, log: this.log });
  }

  async ready() {
    this.start();
    await until('the mirror is ready', async () => {
      if (this.child.exitCode !== null) throw Object.assign(new Error(tail(this.log)), { fatal: true });
      return (await this.status('/readyz')) === 200 ? true : undefined;
    });
  }

  /** What it said, of a start that is refused. */
  async refused() {
    this.start();
    await until('the start is refused', () => this.child.exitCode ?? undefined);
    assert.notEqual(this.child.exitCode, 0);
    return readFileSync(this.log, 'utf8');
  }

  async stop() {
    this.child.kill('SIGTERM');
    await until('the mirror has stopped', () => this.child.exitCode ?? undefined);
    assert.equal(this.child.exitCode, 0);
  }

  async status(path) {
    return (await fetch(this.url + path, { redirect: 'manual', signal: AbortSignal.timeout(5_000) })).status;
  }

  /** As a browser does: there, their page, and back. */
  async link(username) {
    const begun = await fetch(`${this.url}/mirror/threads/connect`, { redirect: 'manual' });
    const cookie = begun.headers.getSetCookie().map((set) => set.split(';')[0]).join('; ');
    const there = new URL(begun.headers.get('location'));
    const form = new URLSearchParams([...there.searchParams, ['username', username]]);
    const pressed = await fetch(there, { method: 'POST', body: form, redirect: 'manual' });
    const back = await fetch(pressed.headers.get('location'), { headers: { cookie, accept: 'application/json' }, redirect: 'manual' });
    assert.equal(back.status, 201, await back.text());
  }

  /** That everybody is found for longer than a name lives without being confirmed. */
  async everybodyStays(people) {
    const end = Date.now() + (UNCONFIRMED_SECONDS + 2) * 1000;
    while (Date.now() < end) {
      for (const name of people) assert.equal(await this.status(`/@${name}`), 200, `${name}\n${tail(this.log)}`);
      await pause(200);
    }
  }

  lines() {
    return readFileSync(this.keys, 'utf8').trim().split('\n');
  }
}

export default [
  {
    name: 'the key file of a mirror is rotated, and nobody loses a name, also when it is done wrong',
    async run({ dir }) {
      const at = join(dir, 'rotation');
      mkdirSync(at, { recursive: true });
      const demoLog = join(at, 'demo.log');
      start(process.env.NAMESAKE_BIN, ['demo'], { env: { PATH: process.env.PATH, NAMESAKE_SERVER__LISTEN: '127.0.0.1:0' }, log: demoLog });
      const sandbox = await until('the sandbox is ready', () => /^sandbox: (\S+?)\/?$/m.exec(readFileSync(demoLog, 'utf8'))?.[1]);
      const mirror = new Mirror(at, `http://127.0.0.1:${await freePort()}`, sandbox);
      const people = ['alice', 'bob', 'carol'];
      await mirror.ready();
      for (const name of people) await mirror.link(name);
      await mirror.everybodyStays(people);
      await mirror.stop();

      const [old] = mirror.lines();
      const fresh = randomBytes(32).toString('base64');
      // Written over, so that it stays its owner's alone.
      writeFileSync(mirror.keys, `${fresh}\n`);
      assert.match(await mirror.refused(), /lacks a key of this store/);
      writeFileSync(mirror.keys, '');
      assert.match(await mirror.refused(), /does not hold 256-bit keys/);

      writeFileSync(mirror.keys, `${fresh}\n${old}\n`);
      await mirror.ready();
      await until('all is sealed anew', () => (readFileSync(mirror.log, 'utf8').includes('mirror.reseal.done') ? true : undefined));
      await mirror.everybodyStays(people);
      await mirror.stop();
      writeFileSync(mirror.keys, `${fresh}\n`);
      await mirror.ready();
      await mirror.everybodyStays(people);
      await mirror.stop();
    },
  },
  {
    name: 'a store whose disk runs full says no, and goes on when there is room',
    async run({ dir }) {
      const at = join(dir, 'small-disk');
      mkdirSync(at, { recursive: true });
      const namespaces = ['--mount', ...(process.getuid() === 0 ? [] : ['--map-root-user'])];
      const args = [...namespaces, process.execPath, SMALL_DISK, at, process.env.NAMESAKE_BIN];
      const said = await new Promise((resolve) => {
        execFile('unshare', args, { timeout: 40_000 }, (error, stdout, stderr) => resolve(error ? `${error.message}\n${stdout}${stderr}` : ''));
      });
      assert.equal(said, '');
    },
  },
];
