// The world: everything Namesake talks to, on loopback, in one temporary folder.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aimDnsAt } from './aim-dns.mjs';
import { createAuthority } from './certificates.mjs';
import { startDns, startKnot } from './dns.mjs';
import { fetchThrough } from './fetch.mjs';
import { writeConfig } from './namesake.mjs';
import { createAccount, registerForeign } from './people.mjs';
import { freePort, startNode } from './process.mjs';
import { startGate, startTlsFront, startTunnel } from './proxies.mjs';
import { setScenes } from './scenes.mjs';

/** Where accounts live: their handles, and the hosts of their identifiers. */
const ACCOUNTS = { domain: 'people.example.org', idDomain: 'id.people.example.org' };

const here = (file) => join(import.meta.dirname, file);

export async function startWorld(dir) {
  const namesakePort = await freePort();
  const ports = {};
  // All of `test.` is the PDS's; some foreign names have a page of their own.
  const pages = new Map();
  const upstreamFor = (name) => {
    if (name.endsWith('.test')) return ports.pds;
    return name.endsWith(`.${ACCOUNTS.domain}`) ? ports.accounts : pages.get(name);
  };

  const [authority, dns, directory, gate] = await Promise.all([
    createAuthority(join(dir, 'ca')),
    startDns(join(dir, 'nsd')),
    startNode(here('plc-program.mjs'), { env: { NODE_ENV: 'production' }, log: join(dir, 'plc.log') }),
    startGate(() => namesakePort),
  ]);
  aimDnsAt(dns.address); // for the clients that the checks run in this process
  const front = await startTlsFront(authority, upstreamFor);
  const plcUrl = `http://127.0.0.1:${directory.port}`;
  // The PDS takes its public address from its host name. With the port in it, DID documents say where the front really is.
  const pdsUrl = `https://pds.test:${front.port}`;
  const pds = await startNode(here('pds-program.mjs'), {
    env: pdsEnvironment(join(dir, 'pds'), {
      hostname: `pds.test:${front.port}`,
      // By name: even with its guard off, the PDS refuses a directory whose host is an IP address.
      plcUrl: `http://localhost:${directory.port}`,
      appViewUrl: `http://localhost:${gate.port}`,
      nameserver: dns.address,
    }),
    log: join(dir, 'pds.log'),
    preload: [here('aim-dns.mjs')],
  });
  ports.pds = pds.port;

  const world = {
    dir,
    accounts: ACCOUNTS,
    dns,
    authority,
    front,
    gate,
    pages,
    tunnel: await startTunnel(front),
    fetch: fetchThrough(front, authority),
    plc: { url: plcUrl },
    pds: { url: pdsUrl, directUrl: `http://127.0.0.1:${pds.port}` },
    namesake: { port: namesakePort, url: `http://127.0.0.1:${namesakePort}`, config: join(dir, 'namesake.toml') },
  };
  world.people = await populate(world);
  world.scenes = await setScenes(world);
  world.knot = await startKnot(join(dir, 'knot'), dns);
  const surroundings = { dns, front, authority, plcUrl };
  writeConfig(world.namesake.config, { ...surroundings, port: namesakePort });
  // The same service with other settings: how `world.namesake` would look in that world.
  const variant = async (name, settings) => {
    const port = await freePort();
    const config = join(dir, `namesake-${name}.toml`);
    writeConfig(config, { ...surroundings, ...settings, port });
    return { port, url: `http://127.0.0.1:${port}`, config };
  };
  world.variants = {
    knot: await variant('knot', { dns: world.knot }),
    // Remembers for ten minutes, and follows the events of the PDS.
    follower: await variant('follower', {
      ttlSeconds: 600,
      eventsUrl: `ws://127.0.0.1:${pds.port}/xrpc/com.atproto.sync.subscribeRepos`,
    }),
    invalidRequest: await variant('invalid-request', { atproto: 'not_found_is_invalid_request = true' }),
    accounts: await variant('accounts', { accounts: ACCOUNTS }),
  };
  ports.accounts = world.variants.accounts.port;
  return world;
}

/** Ends the parts that live in this process; the others end with `stopAll`. */
export function closeWorld(world) {
  world.front.close();
  world.gate.close();
  world.tunnel.close();
}

function pdsEnvironment(dir, { hostname, plcUrl, appViewUrl, nameserver }) {
  mkdirSync(join(dir, 'blobs'), { recursive: true });
  return {
    NODE_ENV: 'production',
    TEST_NAMESERVER: nameserver,
    LOG_ENABLED: '1',
    LOG_LEVEL: 'warn',
    PDS_DEV_MODE: '1',
    PDS_PORT: '0',
    PDS_HOSTNAME: hostname,
    PDS_SERVICE_DID: 'did:web:pds.test',
    PDS_SERVICE_HANDLE_DOMAINS: '.test',
    PDS_INVITE_REQUIRED: '0',
    PDS_DISABLE_SSRF_PROTECTION: '1',
    PDS_DATA_DIRECTORY: dir,
    PDS_BLOBSTORE_DISK_LOCATION: join(dir, 'blobs'),
    PDS_DID_PLC_URL: plcUrl,
    PDS_BSKY_APP_VIEW_URL: appViewUrl,
    PDS_BSKY_APP_VIEW_DID: 'did:web:namesake.test',
    PDS_JWT_SECRET: randomBytes(16).toString('hex'),
    PDS_ADMIN_PASSWORD: randomBytes(16).toString('hex'),
    PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString('hex'),
  };
}

async function populate({ pds, plc, dns, fetch }) {
  const account = (handle, displayName, description) => createAccount(pds.url, fetch, handle, { displayName, description });
  const people = {
    // Proved by the PDS's own well-known answer.
    alice: await account('alice.test', 'Alice Liddell', 'Follows rabbits.'),
    // The same, and by DNS, which wins.
    bob: await account('bob.test', 'Bob the Builder', 'Can fix it.'),
    // Changes names during the checks.
    carol: await account('carol.test', 'Carol Danvers', 'Higher, further, faster.'),
    // Not on this PDS: DNS alone proves them. Two DIDs claim tom's name, two TXT records contradict each other about twin's.
    jane: await registerForeign(plc.url, 'jane.example.com', pds.url),
    tom: await registerForeign(plc.url, 'tom.example.com', pds.url),
    otherTom: await registerForeign(plc.url, 'tom.example.com', pds.url),
    twin: await registerForeign(plc.url, 'twin.example.com', pds.url),
  };
  const { bob, jane, tom, twin, alice } = people;
  await dns.publishAll({
    [bob.handle]: [bob.did],
    [jane.handle]: [jane.did],
    [tom.handle]: [tom.did],
    [twin.handle]: [twin.did, alice.did],
  });
  return people;
}

/** The addresses, for people and for other programs. */
export function describe(world) {
  const text = {
    config: world.namesake.config,
    namesake: world.namesake.url,
    plc: world.plc.url,
    pds: `${world.pds.directUrl} (public: ${world.pds.url})`,
    dns: `${world.dns.address} (nsd), ${world.knot.address} (knot)`,
    'tls front': `127.0.0.1:${world.front.port}, CA ${world.authority.caFile}`,
    'gate (PDS to Namesake)': `http://127.0.0.1:${world.gate.port}`,
    ...Object.fromEntries(Object.values(world.people).map(({ handle, did }, i) => [`person ${i + 1}`, `${handle} ${did}`])),
  };
  writeFileSync(join(world.dir, 'world.json'), `${JSON.stringify(text, null, 2)}\n`);
  return Object.entries(text).map(([key, value]) => `${key.padEnd(24)}${value}`).join('\n');
}
