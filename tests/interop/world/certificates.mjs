// A certificate authority of our own. Certificates are issued for each name when it is first asked for: wildcards such as
// `*.test` are refused by TLS clients (two labels must follow the star), and any name must be answerable, else an unknown
// handle would be a TLS failure where a plain 404 is meant.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export async function createAuthority(dir) {
  mkdirSync(dir, { recursive: true });
  const file = (name) => join(dir, name);
  await run('openssl', [
    'req', '-x509', ...NEW_KEY, '-days', '2', '-subj', '/CN=Namesake interop CA',
    '-keyout', file('ca.key'), '-out', file('ca.pem'),
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign',
  ]);
  await run('openssl', ['req', '-new', ...NEW_KEY, '-subj', '/CN=leaf', '-keyout', file('leaf.key'), '-out', file('leaf.csr')]);

  const issued = new Map();
  const issue = async (name) => {
    if (!/^[a-z0-9.-]{1,253}$/.test(name)) throw new Error(`no certificate for such a name: ${name}`);
    writeFileSync(file(`${name}.ext`), `subjectAltName=DNS:${name}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`);
    await run('openssl', [
      'x509', '-req', '-in', file('leaf.csr'), '-days', '2', '-CA', file('ca.pem'), '-CAkey', file('ca.key'),
      '-set_serial', String(issued.size + 2), '-extfile', file(`${name}.ext`), '-out', file(`${name}.pem`),
    ]);
    return createSecureContext({ key: readFileSync(file('leaf.key')), cert: readFileSync(file(`${name}.pem`)) });
  };

  return {
    caFile: file('ca.pem'),
    ca: readFileSync(file('ca.pem')),
    /** The TLS context for a name; one certificate a name, however many ask at once. */
    contextFor(name) {
      if (!issued.has(name)) issued.set(name, issue(name));
      return issued.get(name);
    },
  };
}
