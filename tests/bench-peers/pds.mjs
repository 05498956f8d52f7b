// The TypeScript PDS, with one account of its own, as `tests/interop` has it installed. Says where it listens, and ends with its
// standard input.
//   node pds.mjs <name server> <empty folder>
import dns from 'node:dns';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { aimDnsAt } from '../interop/world/aim-dns.mjs';

process.env.NODE_ENV = 'production';
const installed = createRequire(new URL('../interop/package.json', import.meta.url));
const { PDS } = installed('@atproto/pds');
const plc = installed('@did-plc/server');

const [nameserver, dir] = process.argv.slice(2);
aimDnsAt(nameserver);

/** On loopback, on any free port; the packages listen on a port alone. */
function onLoopback(app) {
  const listen = app.listen.bind(app);
  const port = new Promise((resolve) => {
    app.listen = () => {
      const server = listen(0, '127.0.0.1');
      once(server, 'listening').then(() => resolve(server.address().port));
      return server;
    };
  });
  return port;
}

const directory = plc.PlcServer.create({ db: plc.Database.mock(), port: 0 });
const directoryPort = onLoopback(directory.app);
await directory.start();

mkdirSync(join(dir, 'blobs'));
Object.assign(process.env, {
  LOG_ENABLED: '0',
  PDS_DEV_MODE: '1',
  PDS_PORT: '0',
  PDS_HOSTNAME: 'pds.test',
  PDS_SERVICE_HANDLE_DOMAINS: '.test',
  PDS_INVITE_REQUIRED: '0',
  PDS_DISABLE_SSRF_PROTECTION: '1',
  PDS_DATA_DIRECTORY: dir,
  PDS_BLOBSTORE_DISK_LOCATION: join(dir, 'blobs'),
  // By name: even with its guard off, the PDS refuses a directory whose host is an IP address. And no AppView, which it would
  // ask instead of the DNS.
  PDS_DID_PLC_URL: `http://localhost:${await directoryPort}`,
  PDS_JWT_SECRET: randomBytes(16).toString('hex'),
  PDS_ADMIN_PASSWORD: randomBytes(16).toString('hex'),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString('hex'),
});
const pds = await PDS.fromEnv();
const port = onLoopback(pds.app);
await pds.start();
const address = `127.0.0.1:${await port}`;
const created = await fetch(`http://${address}/xrpc/com.atproto.server.createAccount`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ handle: 'alice.test', email: 'alice@mail.example.org', password: 'alice-has-a-long-password' }),
});
if (!created.ok) throw new Error(await created.text());
// From here on it looks up the hosts of strangers only. No web host has any of these names; the attempt alone would cost it more.
dns.lookup = (host, options, done) => process.nextTick(done, Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }));
process.stdin.on('end', () => process.exit()).resume();
console.log(`${address} @atproto/pds ${installed('@atproto/pds/package.json').version}, which has no cache of handles`);
