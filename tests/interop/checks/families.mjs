// Hosts with four addresses of each family, as large ones have them, where one family does not work: all of what Namesake asks
// is reached by the other. In network namespaces, made and unmade here; for that it takes root (or sudo).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { tail } from '../world/process.mjs';

const WEB = 'four.example.com';
const DIRECTORY = 'directory.example.com';
const LAST = [1, 2, 3, 4];
const URL_INSIDE = 'http://127.0.0.1:8080';

const run = promisify(execFile);
const asRoot = (...command) => {
  const [program, ...args] = process.getuid() === 0 ? command : ['sudo', ...command];
  return run(program, args, { timeout: 40_000 });
};

/** No IPv6 at all: a connection fails at once. */
async function without(ip) {
  await ip('netns', 'exec', 'NS', 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1');
}

/** IPv6 that takes every packet and brings none back: a connection never ends. */
async function swallows(ip) {
  await ip('-n', 'NS', 'link', 'add', 'abyss', 'type', 'veth', 'peer', 'name', 'bottom');
  await ip('-n', 'NS', 'link', 'set', 'abyss', 'up');
  await ip('-n', 'NS', 'link', 'set', 'bottom', 'up');
  await ip('-n', 'NS', 'addr', 'add', '2001:db8::100/64', 'dev', 'abyss', 'nodad');
  for (const last of LAST) {
    await ip('-n', 'NS', 'neigh', 'add', `2001:db8::${last}`, 'lladdr', `02:00:00:00:00:0${last}`, 'dev', 'abyss', 'nud', 'permanent');
  }
}

function config({ caFile }) {
  return `[server]
listen = "127.0.0.1:8080"
public_url = "${URL_INSIDE}"

[store]
url = "memory:"

[dns]
nameservers = ["127.0.0.1:53"]

[http_client]
allow_networks = ["127.0.0.0/8", "2001:db8::/32"]
extra_root_ca = ["${caFile}"]

[atproto]
plc_url = "http://${DIRECTORY}"
events_url = "ws://${DIRECTORY}"
profile_timeout_ms = 5000
`;
}

const check = (what, prepare) => ({
  name: `hosts with four addresses of each family, ${what}: handle, did:web, PDS, directory and events are reached`,
  async run(world) {
    const ns = `namesake-${process.pid}-${prepare.name}`;
    const ip = (...args) => asRoot('ip', ...args.map((arg) => (arg === 'NS' ? ns : arg)));
    const file = (name) => join(world.dir, `families-${prepare.name}${name}`);
    await world.authority.contextFor(WEB); // leaves the certificate in the authority's folder
    writeFileSync(file('.toml'), config(world.authority));
    const addresses = LAST.flatMap((last) => [`2001:db8::${last}`, `127.0.0.${last}`]);
    writeFileSync(file('.hosts'), addresses.map((address) => `${address} ${DIRECTORY}\n`).join(''));
    writeFileSync(file('.log'), '');
    await ip('netns', 'add', 'NS');
    try {
      await ip('-n', 'NS', 'link', 'set', 'lo', 'up');
      await prepare(ip);
      // The configured hosts are the system's to look up: `ip netns exec` puts these files over those in /etc.
      await asRoot('mkdir', '-p', `/etc/netns/${ns}`);
      await asRoot('cp', file('.hosts'), `/etc/netns/${ns}/hosts`);
      const program = join(import.meta.dirname, '../world/families-program.mjs');
      const args = [process.env.NAMESAKE_BIN, file('.toml'), URL_INSIDE, dirname(world.authority.caFile), file('.log')];
      const { stdout } = await ip('netns', 'exec', 'NS', process.execPath, program, ...args);
      const { web, plc, seen } = JSON.parse(stdout);
      assert.equal(web.status, 200, JSON.stringify(web.body));
      assert.deepEqual([web.body.account, web.body.proof.method, web.body.profile.displayName], [`did:web:${WEB}`, 'https-well-known', 'Four and four']);
      assert.equal(plc.status, 200, JSON.stringify(plc.body));
      assert.deepEqual(seen, { directory: DIRECTORY, events: '/xrpc/com.atproto.sync.subscribeRepos' });
    } catch (error) {
      throw new Error(`${error.message}\n${tail(file('.log'))}`);
    } finally {
      await asRoot('rm', '-rf', `/etc/netns/${ns}`);
      await ip('netns', 'del', 'NS');
    }
  },
});

export default [check('where there is no IPv6', without), check('where IPv6 swallows packets', swallows)];
