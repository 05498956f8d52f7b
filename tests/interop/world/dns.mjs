// A real authoritative name server (nsd) for `test.` and `example.com.`, whose TXT records can be changed while it runs.
import { Resolver } from 'node:dns/promises';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, start, tail, until } from './process.mjs';

// `test.` holds the names that the PDS regards as its own, `example.com.` the foreign ones.
const ZONES = ['test', 'example.com'];

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
  #txt = new Map(); // owner name without the final dot => the strings, one record each
  #child;
  #log;

  constructor(dir, port) {
    this.#dir = dir;
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
    for (const [handle, dids] of Object.entries(claims)) {
      if (dids.length === 0) this.#txt.delete(`_atproto.${handle}`);
      else this.#txt.set(`_atproto.${handle}`, dids.map((did) => `did=${did}`));
    }
    this.#writeZones();
    this.#child.kill('SIGHUP'); // nsd reads again the zone files that changed
    await this.#serving();
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
    for (const zone of ZONES) {
      const file = join(this.#dir, `${zone}.zone`);
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
    for (const [owner, records] of this.#txt) {
      const handle = owner.slice('_atproto.'.length);
      if (!handle.endsWith(`.${zone}`)) continue;
      // A name that has something below it exists, so the wildcard no longer covers it: it needs an address of its own.
      lines.push(`${handle}. A 127.0.0.1`);
      for (const text of records) lines.push(`${owner}. TXT "${text}"`);
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
${ZONES.map((zone) => `zone:\n  name: "${zone}"\n  zonefile: "${zone}.zone"\n`).join('')}`;
  }
}
