// Runs in namespaces of its own (see checks/resolv-conf.mjs): its network has only loopback, and /etc/resolv.conf is ours.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { start, stopAll, tail, until } from './process.mjs';

const [dir, binary] = process.argv.slice(2);
const ours = join(dir, 'resolv.conf');
const log = join(dir, 'namesake.log');

// In place: a file that is mounted cannot be replaced.
const say = (...lines) => writeFileSync(ours, lines.map((line) => `${line}\n`).join(''));

/** A name server at port 53 of an address of loopback, which answers every TXT question with its own DID, or not at all. */
async function nameServer(address, { did, tcpOnly = false } = {}) {
  const seen = [];
  const answer = (question, over) => {
    seen.push(over);
    return did && !(tcpOnly && over === 'udp') ? record(question, `did=${did}`) : undefined;
  };
  const udp = createSocket('udp4');
  udp.on('message', (question, from) => {
    const said = answer(question, 'udp');
    if (said) udp.send(said, from.port, from.address);
  });
  udp.bind(53, address);
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const said = answer(data.subarray(2), 'tcp');
      if (said) socket.write(Buffer.concat([Buffer.from([said.length >> 8, said.length & 255]), said]));
    });
  });
  tcp.listen(53, address);
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
  return { seen };
}

/** The answer with one TXT record of a minute (RFC 1035 section 4), to a question without aliases or compression. */
function record(question, text) {
  let end = 12;
  while (question[end] !== 0) end += 1 + question[end];
  end += 5;
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  [1, 1, 0, 0].forEach((count, at) => header.writeUInt16BE(count, 4 + 2 * at));
  const data = Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const owner = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([header, question.subarray(12, end), owner, data]);
}

async function who(handle) {
  const url = `http://127.0.0.1:8080/xrpc/com.atproto.identity.resolveHandle?handle=${handle}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(8_000) });
  const body = await response.json();
  return body.did ?? `${response.status} ${body.error}`;
}

async function work() {
  execFileSync('ip', ['link', 'set', 'lo', 'up'], { env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
  say('# nobody yet');
  execFileSync('mount', ['--bind', ours, '/etc/resolv.conf'], { env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });

  await nameServer('127.0.0.2', { did: 'did:web:first.example.com' });
  await nameServer('127.0.0.3', { did: 'did:web:second.example.com' });
  const streams = await nameServer('127.0.0.4', { did: 'did:web:streams.example.com', tcpOnly: true });
  await Promise.all(['127.0.0.5', '127.0.0.6'].map((address) => nameServer(address)));

  const config = join(dir, 'namesake.toml');
  writeFileSync(config, '[server]\nlisten = "127.0.0.1:8080"\n[store]\nurl = "memory:"\n');
  start(binary, ['serve', '--config', config], { env: { PATH: process.env.PATH, HOME: process.env.HOME }, log });
  await until('namesake is ready', async () => ((await fetch('http://127.0.0.1:8080/readyz')).ok ? true : undefined));
  assert.match(tail(log, 40), /dns\.resolv_conf\.no_nameserver/, 'a fall-back is told');

  // Written after the start, with a list that is no name, as a DHCP client on a Windows network leaves it.
  say('search .corp.test', 'domain corp..test', 'nameserver 127.0.0.2\r');
  assert.equal(await who('one.example.com'), 'did:web:first.example.com');
  say('options ndots:5 timeout:1 attempts:1', '; another network', 'nameserver 127.0.0.3');
  assert.equal(await who('two.example.com'), 'did:web:second.example.com');
  say('options use-vc', 'nameserver 127.0.0.4');
  assert.equal(await who('three.example.com'), 'did:web:streams.example.com');
  assert.deepEqual([...new Set(streams.seen)], ['tcp']);
  say('nameserver 127.0.0.5', 'nameserver 127.0.0.6', 'nameserver 127.0.0.2');
  assert.equal(await who('four.example.com'), 'did:web:first.example.com', 'past two mute ones, at the first lookup');
}

try {
  await work();
} catch (error) {
  console.error(`${error.stack}\n--- namesake's log\n${tail(log, 40)}`);
  process.exitCode = 1;
} finally {
  await stopAll();
  process.exit();
}
