// Two OpenID providers: PyPI `oidc-provider-mock`, and npm `oidc-provider`, which is certified.
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort, silentDuring, start, startNode, tail, until } from './process.mjs';

const VENV = join(import.meta.dirname, '../.venv-clients/bin');

export async function startOpenidProviders(dir, namesakeUrl) {
  const [mock, certified] = await Promise.all([startMock(join(dir, 'openid-mock.log')), startCertified(join(dir, 'openid-certified.log'), namesakeUrl)]);
  return { mock, certified };
}

/** Anybody can be anybody there. It cannot be told to listen on any free port and say which. */
async function startMock(log) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const child = start(join(VENV, 'oidc-provider-mock'), ['--port', port, '--require-nonce', 'true'], { env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' }, log });
  await until('oidc-provider-mock is ready', async () => {
    if (child.exitCode !== null) throw Object.assign(new Error(`it ended:\n${tail(log)}`), { fatal: true });
    return (await fetch(`${issuer}/.well-known/openid-configuration`)).ok ? true : undefined;
  });
  return {
    name: 'mock',
    issuer,
    /** What a person does on its pages. */
    forms: [(sub) => ({ sub })],
    async setUser(sub, claims) {
      const response = await fetch(`${issuer}/users/${sub}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(claims) });
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    },
    /** It holds everything in memory: it is stopped, not ended. */
    outage: { is: 'timeout', during: (action) => silentDuring(child, action) },
  };
}

async function startCertified(log, namesakeUrl) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const { child } = await startNode(join(import.meta.dirname, 'openid-program.mjs'), { env: { ISSUER: issuer, PORT: String(port), REDIRECT: `${namesakeUrl}/mirror/certified/callback` }, log });
  const tell = async (message) => {
    const done = once(child, 'message');
    child.send(message);
    await done;
  };
  return {
    name: 'certified',
    issuer,
    forms: [(sub) => ({ prompt: 'login', login: sub, password: 'anything' }), () => ({ prompt: 'consent' })],
    setUser: (sub, claims) => tell({ sub, claims }),
    outage: {
      is: 'down',
      async during(action) {
        await tell({ listen: false });
        try {
          return await action();
        } finally {
          await tell({ listen: true });
        }
      },
    },
  };
}
