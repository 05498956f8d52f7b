// Other implementations of did:webvh: what each makes of a log. Neither throws nor exit codes count, only the head.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyAsync } from '@noble/ed25519';
import { resolveDIDFromLog } from 'didwebvh-ts';

const bin = (name) => join(import.meta.dirname, '../.venv-clients/bin', name);
const PROGRAM = join(import.meta.dirname, 'python-webvh.py');

/** What didwebvh-ts verifies signatures with: it brings no Ed25519. */
export const verifier = {
  async verify(signature, message, key) {
    return verifyAsync(signature, message, key, { zip215: false }).catch(() => false);
  },
};

/** The versionId that didwebvh-ts resolves each `{ did, file }` to, or null. */
export async function versionsByTypeScript(logs) {
  const versions = [];
  for (const { did, file } of logs) {
    versions.push(await versionByTypeScript(did, readFileSync(file, 'utf8')).catch(() => null));
  }
  return versions;
}

async function versionByTypeScript(did, text) {
  const log = text.trimEnd().split('\n').map((line) => JSON.parse(line));
  // With no witnesses' proofs given it would ask the network for them.
  const { meta } = await resolveDIDFromLog(log, { verifier, requestedDid: did, scid: did.split(':')[2], witnessProofs: [] });
  return meta.error === undefined ? meta.versionId : null;
}

/** The same by PyPI did-webvh. */
export async function versionsByPython(logs) {
  const answer = await python([PROGRAM], { input: JSON.stringify(logs.map(({ did, file }) => [did, file])) });
  return JSON.parse(answer);
}

/** Runs the Python of the clients, and answers what it printed. */
export function python(args, { input = '', cwd, home = process.env.HOME } = {}) {
  return run(bin('python'), args, { input, cwd, env: { PATH: process.env.PATH, HOME: home, PYTHONDONTWRITEBYTECODE: '1' } });
}

/** What `namesake identity …` prints, or its error, as `{ code, stdout, stderr }`. */
export function namesake(args, { input = '' } = {}) {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME };
    const child = execFile(process.env.NAMESAKE_BIN, ['identity', ...args], { env, timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? 1) : 0, stdout, stderr });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function run(program, args, { input, ...options }) {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { timeout: 150_000, maxBuffer: 1 << 26, ...options }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
