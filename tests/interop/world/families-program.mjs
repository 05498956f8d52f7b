// Runs inside a network namespace: a DNS, a TLS host, a directory and a stream of events, all of them under names that have four
// addresses of each family, of which only IPv4 works; and Namesake among them. Prints what it was told, as JSON.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { startNamesake } from './namesake.mjs';
import { stopAll, until } from './process.mjs';

const [binary, config, url, authority, log] = process.argv.slice(2);
const WEB = 'four.example.com';
const PLC = 'plc.example.com';
const PLC_DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa';
const V4 = [1, 2, 3, 4].map((last) => Buffer.from([127, 0, 0, last]));
const V6 = [1, 2, 3, 4].map((last) => Buffer.from(`20010db80000000000000000000000${last.toString().padStart(2, '0')}`, 'hex'));
const A = 1;
const TXT = 16;
const AAAA = 28;

/** What the DNS knows: the records of a name, by kind. */
function records(name, kind) {
  if (name === `_atproto.${PLC}` && kind === TXT) return [Buffer.from(`\x00did=${PLC_DID}`).fill(4 + PLC_DID.length, 0, 1)];
  if (name !== WEB) return [];
  return { [A]: V4, [AAAA]: V6 }[kind] ?? [];
}

/** The answer to a question (RFC 1035), its letters as they came; no record means that there is none, says the zone. */
function answer(question) {
  const labels = [];
  let at = 12;
  for (; question[at]; at += question[at] + 1) labels.push(question.toString('latin1', at + 1, at + 1 + question[at]));
  const kind = question.readUInt16BE(at + 1);
  const found = records(labels.join('.').toLowerCase(), kind);
  const head = Buffer.from(question.subarray(0, 12));
  head.writeUInt16BE(0x8580, 2);
  [1, found.length, found.length === 0 ? 1 : 0, 0].forEach((count, place) => head.writeUInt16BE(count, 4 + 2 * place));
  const record = (type, data) => {
    const fixed = Buffer.from([0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
    return Buffer.concat([fixed, data]);
  };
  const soa = () => record(6, Buffer.concat([Buffer.from([0, 0]), Buffer.alloc(20, 0)]));
  const body = found.length === 0 ? [soa()] : found.map((data) => record(kind, data));
  return Buffer.concat([head, question.subarray(12, at + 5), ...body]);
}

async function startDns() {
  const socket = createSocket('udp4');
  socket.on('message', (question, { port, address }) => socket.send(answer(question), port, address));
  socket.bind(53, '127.0.0.1');
  await once(socket, 'listening');
}

const document = (did, handle, pds) => ({
  id: did,
  alsoKnownAs: [`at://${handle}`],
  service: pds ? [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: pds }] : [],
});

const said = (response, body) => response.end(typeof body === 'string' ? body : JSON.stringify(body));

async function startWeb() {
  const tls = { key: readFileSync(join(authority, 'leaf.key')), cert: readFileSync(join(authority, `${WEB}.pem`)) };
  const server = https.createServer(tls, (request, response) => {
    const did = `did:web:${WEB}`;
    if (request.url === '/.well-known/atproto-did') return said(response, did);
    if (request.url === '/.well-known/did.json') return said(response, document(did, WEB, `https://${WEB}`));
    if (request.url.startsWith('/xrpc/com.atproto.repo.getRecord')) {
      return said(response, { value: { $type: 'app.bsky.actor.profile', displayName: 'Four and four' } });
    }
    return response.writeHead(404).end();
  });
  server.listen(443, '0.0.0.0');
  await once(server, 'listening');
}

/** The configured hosts: the directory, and the stream, of which it is enough to be asked for. */
async function startConfigured(seen) {
  const server = http.createServer((request, response) => {
    seen.directory = request.headers.host;
    said(response, document(PLC_DID, PLC));
  });
  server.on('upgrade', (request, socket) => {
    seen.events = request.url;
    socket.end();
  });
  server.listen(80, '0.0.0.0');
  await once(server, 'listening');
}

async function ask(handle) {
  const response = await fetch(`${url}/v1/resolve?handle=${handle}`, { signal: AbortSignal.timeout(15_000) });
  return { status: response.status, body: await response.json() };
}

const seen = {};
try {
  await Promise.all([startDns(), startWeb(), startConfigured(seen)]);
  await startNamesake(binary, { config, url }, log);
  const answers = { web: await ask(WEB), plc: await ask(PLC) };
  await until('the stream was asked for', async () => seen.events);
  console.log(JSON.stringify({ ...answers, seen }));
} finally {
  await stopAll();
  process.exit();
}
