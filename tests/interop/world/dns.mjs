// A real authoritative name server (nsd), whose records can be changed while it runs.
import { Resolver } from 'node:dns/promises';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, start, tail, until } from './process.mjs';

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

class NameServer {
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
    this.resolver = new Resolver({ timeout: 1_000, tries: 2 });
    this.resolver.setServers([this.address]);
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
  async silentDuring(action) {
    const family = [this.#child.pid];
    // The list grows while it is read: nsd's processes, parents first.
    for (const pid of family) family.push(...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
    family.forEach((pid) => process.kill(pid, 'SIGSTOP'));
    try {
      return await action();
    } finally {
      family.forEach((pid) => process.kill(pid, 'SIGCONT'));
    }
  }

  async #serving() {
    for (const zone of ZONES) {
      await until(`nsd serves ${zone} serial ${this.#serial}`, async () => {
        if (this.#child.spawnError) throw Object.assign(this.#child.spawnError, { fatal: true });
        if (this.#child.exitCode !== null) throw Object.assign(new Error(`nsd ended:\n${tail(this.#log)}`), { fatal: true });
        const soa = await this.resolver.resolveSoa(zone);
        return soa.serial === this.#serial ? true : undefined;
      });
    }
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
