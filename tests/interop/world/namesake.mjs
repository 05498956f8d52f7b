// The service under test: its configuration, and the process.
import { writeFileSync } from 'node:fs';
import { start, tail, until } from './process.mjs';

/**
 * Writes the configuration that makes `namesake serve` live in this world. Its answers are short-lived, so that a check need
 * not wait long for one to grow old, unless it is told otherwise; `atproto` holds more lines for that section, `mirrors` whole
 * sections. Accounts live there if `accounts` says under which domains.
 */
export function writeConfig(file, { port, dns, front, authority, plcUrl, ttlSeconds = 2, eventsUrl, atproto = '', accounts, mirrors = '' }) {
  const events = eventsUrl ? `events_url = "${eventsUrl}"\nevents_cursor_file = "${file}.cursor"\nevents_idle_seconds = 9\n` : '';
  const independent = accounts ? `[independent]\nhandle_domains = ["${accounts.domain}"]\nid_domain = "${accounts.idDomain}"\n` : '';
  writeFileSync(
    file,
    `[server]
listen = "127.0.0.1:${port}"
public_url = "http://127.0.0.1:${port}"
access_log = true

[store]
url = "memory:"

[dns]
nameservers = ["${dns.address}"]

[http_client]
allow_networks = ["127.0.0.0/8"]
extra_root_ca = ["${authority.caFile}"]
https_port = ${front.port}

[atproto]
plc_url = "${plcUrl}"
allow_test_tld = true
${events}
${atproto}

${independent}
[cache]
ttl_seconds = ${ttlSeconds}
absent_ttl_seconds = ${ttlSeconds}
${mirrors}`,
  );
}

export async function startNamesake(binary, { config, url, env = {} }, log) {
  const child = start(binary, ['serve', '--config', config], { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, log });
  await until('namesake is ready', async () => {
    if (child.spawnError) throw Object.assign(child.spawnError, { fatal: true });
    if (child.exitCode !== null) throw Object.assign(new Error(`namesake ended:\n${tail(log)}`), { fatal: true });
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return response.ok ? true : undefined;
  });
}
