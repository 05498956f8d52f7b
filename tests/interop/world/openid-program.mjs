// A certified OpenID provider, with people and their claims as it is told. Its tokens are short-lived, and refreshed.
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const { ISSUER, PORT, REDIRECT } = process.env;
const people = new Map();

const provider = new Provider(ISSUER, {
  clients: [{ client_id: 'namesake', client_secret: 'interop-secret', redirect_uris: [REDIRECT], grant_types: ['authorization_code', 'refresh_token'] }],
  findAccount: (_, sub) => people.has(sub) && { accountId: sub, claims: () => ({ sub, ...people.get(sub) }) },
  claims: { profile: ['name', 'picture', 'preferred_username'] },
  cookies: { keys: ['interop'] },
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
  ttl: { AccessToken: 3 },
});

let server;
async function listen() {
  server = createServer(provider.callback()).listen(PORT, '127.0.0.1');
  await once(server, 'listening');
}

async function close() {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

process.on('message', async ({ sub, claims, listen: wanted }) => {
  if (sub) people.set(sub, claims);
  if (wanted === true) await listen();
  if (wanted === false) await close();
  process.send({ done: true });
});
process.on('disconnect', () => process.exit(0));

await listen();
process.send({ port: server.address().port });
