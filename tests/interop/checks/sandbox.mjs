// The sandbox of `namesake demo`, asked by a public client of Meta's Threads API that knows nothing of it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { start, until } from '../world/process.mjs';

const PYTHON = join(import.meta.dirname, '../.venv-clients/bin/python');
const PROGRAM = join(import.meta.dirname, 'threads-client.py');
// The one client a sandbox knows; no secret.
const CLIENT = { client_id: '1234567890', client_secret: 'sandbox-secret' };
// Sixty days, as Meta's documentation has it.
const LASTS_SECONDS = 5183944;

async function startDemo(dir) {
  const log = join(dir, 'demo.log');
  start(process.env.NAMESAKE_BIN, ['demo'], { env: { PATH: process.env.PATH, NAMESAKE_SERVER__LISTEN: '127.0.0.1:0' }, log });
  return until('the demo is ready', () => /^sandbox: (\S+?)\/?$/m.exec(readFileSync(log, 'utf8'))?.[1]);
}

/** Signing in has no method in the client: the page is a browser's, and the code is one POST. */
async function signIn(sandbox, username) {
  const redirect_uri = 'https://client.example/callback';
  const asked = { client_id: CLIENT.client_id, redirect_uri, response_type: 'code', scope: 'threads_basic', state: 'x' };
  const consent = await fetch(`${sandbox}/oauth/authorize`, { method: 'POST', body: new URLSearchParams({ ...asked, username }), redirect: 'manual' });
  const code = new URL(consent.headers.get('location')).searchParams.get('code');
  const form = new URLSearchParams({ ...CLIENT, grant_type: 'authorization_code', redirect_uri, code });
  const response = await fetch(`${sandbox}/oauth/access_token`, { method: 'POST', body: form });
  return (await response.json()).access_token;
}

function ask(question) {
  return new Promise((resolve, reject) => {
    const child = execFile(PYTHON, [PROGRAM], { env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' }, timeout: 30_000 }, (error, stdout) => (error ? reject(error) : resolve(JSON.parse(stdout))));
    child.stdin.end(JSON.stringify(question));
  });
}

export default [
  {
    name: 'PyPI threads-client, aimed at the sandbox: tokens and typed errors',
    async run({ dir }) {
      const sandbox = await startDemo(dir);
      const token = await signIn(sandbox, 'alice');
      const { lasting, too_early, wrong_secret, made_up } = await ask({ sandbox, token, secret: CLIENT.client_secret });
      assert.deepEqual([lasting.token_type, lasting.expires_in], ['bearer', LASTS_SECONDS]);
      const me = await (await fetch(`${sandbox}/v1.0/me?fields=id,username&access_token=${lasting.access_token}`)).json();
      assert.equal(me.username, 'alice');
      // Meta refreshes no token that is younger than a day.
      assert.deepEqual(too_early, { error: 'ThreadsAPIError', status: 400 });
      assert.deepEqual(wrong_secret, { error: 'ThreadsAPIError', status: 400 });
      assert.deepEqual(made_up, { error: 'ThreadsAuthenticationError', status: 400 });
    },
  },
];
