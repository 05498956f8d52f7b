// Real authoritative name servers: nsd, whose records can be changed while it runs, and knot with the same ones.
import { Resolver } from 'node:dns/promises';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, silentDuring, start, tail, until } from './process.mjs';

// `test.` holds the names that the PDS regards as its own, `example.com.` the foreign ones, `example.net.` proofs that are
// kept elsewhere.
export const ZONES = ['test', 'example.com', 'example.net'];
// A zone that the server should have but cannot load: SERVFAIL. Every other zone is refused.
export const BROKEN_ZONE = 'example.org';

export async function startDns(dir) {
  mkdirSync(dir, { recursive: true });
  // Somebody may take the port between our look and nsd's bind: then another one is tried.
  for (let attempt = 1; ; attempt += 1) {
    const server = new NameServer(dir, await freePort());
    try {
      await server.begin();
      return server;
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

/** Knot over the zone files as they are now: the same records from another make of server. It never sees later changes. */
export async function startKnot(dir, { zoneFiles, serial }) {
  mkdirSync(dir, { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const config = join(dir, 'knot.conf');
    const log = join(dir, 'knot.log');
    writeFileSync(config, knotConfig(dir, port, zoneFiles));
    const child = start('knotd', ['-c', config], { env: { PATH: `${process.env.PATH}:/usr/sbin` }, log });
    const address = `127.0.0.1:${port}`;
    try {
      await serving('knot', child, log, resolverAt(address), serial);
      return { name: 'knot', port, address, silentDuring: (action) => silentDuring(child, action) };
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

function resolverAt(address) {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  resolver.setServers([address]);
  return resolver;
}

async function serving(name, child, log, resolver, serial) {
  for (const zone of ZONES) {
    await until(`${name} serves ${zone} serial ${serial}`, async () => {
      if (child.spawnError) throw Object.assign(child.spawnError, { fatal: true });
      if (child.exitCode !== null) throw Object.assign(new Error(`${name} ended:\n${tail(log)}`), { fatal: true });
      const soa = await resolver.resolveSoa(zone);
      return soa.serial === serial ? true : undefined;
    });
  }
}

class NameServer {
  name = 'nsd';
  #dir;
  #serial = 0;
  #records = new Map(); // owner name without the final dot => type and data of its records, as a zone file has them
  #child;
  #log;

  constructor(dir, port) {
    this.#dir = dir;
    this.zoneFiles = ZONES.map((zone) => ({ zone, file: join(dir, `${zone}.zone`) }));
    this.#log = join(dir, 'nsd.log');
    this.port = port;
    this.address = `127.0.0.1:${port}`;
    this.resolver = resolverAt(this.address);
  }

  get serial() {
    return this.#serial;
  }

  async begin() {
    this.#writeZones();
    const config = join(this.#dir, 'nsd.conf');
    writeFileSync(config, this.#config());
    this.#child = start('nsd', ['-d', '-c', config], { env: { PATH: `${process.env.PATH}:/usr/sbin` }, log: this.#log });
    await this.#serving();
  }

  /** Publishes `_atproto.<handle>` TXT records, one for each DID; none removes them. Returns when they are served. */
  async publish(handle, ...dids) {
    return this.publishAll({ [handle]: dids });
  }

  async publishAll(claims) {
    const records = Object.entries(claims).map(([handle, dids]) => [`_atproto.${handle}`, dids.map((did) => `TXT "did=${did}"`)]);
    return this.publishRecords(Object.fromEntries(records));
  }

  /** Publishes, for each owner name, records as a zone file has them (`TXT "…"`); none removes the name. */
  async publishRecords(owners) {
    for (const [owner, records] of Object.entries(owners)) {
      if (records.length === 0) this.#records.delete(owner);
      else this.#records.set(owner, records);
    }
    this.#writeZones();
    this.#child.kill('SIGHUP'); // nsd reads again the zone files that changed
    await this.#serving();
  }

  /** While `action` runs, the server takes questions and answers none. */
  silentDuring(action) {
    return silentDuring(this.#child, action);
  }

  #serving() {
    return serving('nsd', this.#child, this.#log, this.resolver, this.#serial);
  }

  #writeZones() {
    this.#serial += 1;
    for (const { zone, file } of this.zoneFiles) {
      writeFileSync(`${file}.new`, this.#zone(zone));
      renameSync(`${file}.new`, file); // never half a zone
    }
  }

  #zone(zone) {
    const lines = [
      '$TTL 1',
      `${zone}. SOA ns.${zone}. hostmaster.${zone}. ${this.#serial} 3600 600 86400 1`,
      `${zone}. NS ns.${zone}.`,
      `ns.${zone}. A 127.0.0.1`,
      `*.${zone}. A 127.0.0.1`,
    ];
    for (const [owner, records] of this.#records) {
      if (!owner.endsWith(`.${zone}`)) continue;
      // A name that has something below it exists, so the wildcard no longer covers it: it needs an address of its own.
      if (owner.startsWith('_atproto.')) lines.push(`${owner.slice('_atproto.'.length)}. A 127.0.0.1`);
      for (const record of records) lines.push(`${owner}. ${record}`);
    }
    return `${lines.join('\n')}\n`;
  }

  #config() {
    const dir = this.#dir;
    return `server:
  ip-address: 127.0.0.1@${this.port}
  username: ""
  chroot: ""
  zonesdir: "${dir}"
  database: ""
  pidfile: "${join(dir, 'nsd.pid')}"
  xfrdfile: "${join(dir, 'xfrd.state')}"
  xfrdir: "${dir}"
  zonelistfile: "${join(dir, 'zone.list')}"
  server-count: 1
remote-control:
  control-enable: no
${[...ZONES, BROKEN_ZONE].map((zone) => `zone:\n  name: "${zone}"\n  zonefile: "${zone}.zone"\n`).join('')}`;
  }
}

// No journal: knot would prefer it to the zone file.
function knotConfig(dir, port, zoneFiles) {
  const zones = [...zoneFiles, { zone: BROKEN_ZONE, file: join(dir, 'never-written.zone') }];
  return `server:
  rundir: "${dir}"
  listen: 127.0.0.1@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "${dir}"
template:
- id: default
  storage: "${dir}"
  zonefile-load: whole
  zonefile-sync: -1
  journal-content: none
zone:
${zones.map(({ zone, file }) => `- domain: "${zone}"\n  file: "${file}"`).join('\n')}
log:
- target: stderr
  any: info
`;
}
