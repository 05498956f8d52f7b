// The world that the service asks: a name server and a directory, each as quick as real ones are.
//   `p<n>.people.test` has a record, `*.silent.test` gets no answer at all, any other name does not exist;
//   the directory knows the people, and takes 20 ms for each answer.
import dgram from "node:dgram";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";

import { didOf, personOf } from "./people.mjs";

const TXT = 16;

/** The name and type of the one question, and where it ends. */
function question(message) {
  const labels = [];
  let at = 12;
  while (message[at]) {
    labels.push(message.toString("latin1", at + 1, at + 1 + message[at]));
    at += 1 + message[at];
  }
  return { name: labels.join(".").toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** The answer to a question; `undefined`: none is given. */
function answer(message) {
  const { name, type, end } = question(message);
  if (name.endsWith(".silent.test")) return undefined;
  const person = /^_atproto\.p(\d+)\.people\.test$/.exec(name);
  const text = person && type === TXT ? Buffer.from(`did=${didOf(Number(person[1]))}`) : undefined;
  const known = person || /^p\d+\.people\.test$/.test(name);
  const head = Buffer.from(message.subarray(0, 12));
  head.writeUInt16BE(0x8580 | (known ? 0 : 3), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(text ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  const parts = [head, message.subarray(12, end)];
  if (text) {
    const record = Buffer.alloc(13);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(TXT, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(300, 6);
    record.writeUInt16BE(text.length + 1, 10);
    record[12] = text.length;
    parts.push(record, text);
  }
  return Buffer.concat(parts);
}

const udp = dgram.createSocket({ type: "udp4", recvBufferSize: 8 << 20 });
udp.on("message", (message, from) => {
  const reply = answer(message);
  if (reply) udp.send(reply, from.port, from.address);
});
udp.bind(0, "127.0.0.1");
await once(udp, "listening");
const dns = udp.address().port;
const tcp = net.createServer((socket) => {
  let held = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (data) => {
    held = Buffer.concat([held, data]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const length = held.readUInt16BE(0);
      const reply = answer(held.subarray(2, 2 + length));
      held = held.subarray(2 + length);
      if (!reply) continue;
      const size = Buffer.alloc(2);
      size.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([size, reply]));
    }
  });
});
tcp.listen(dns, "127.0.0.1");
await once(tcp, "listening");

const directory = http.createServer((request, response) => {
  const did = decodeURIComponent(request.url.slice(1));
  const person = personOf(did);
  setTimeout(() => {
    if (person === undefined) {
      response.writeHead(404, { "content-type": "application/json" });
      return response.end(JSON.stringify({ message: `DID not registered: ${did}` }));
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ id: did, alsoKnownAs: [`at://p${person}.people.test`], service: [] }));
  }, 20);
});
directory.listen(0, "127.0.0.1");
await once(directory, "listening");
console.log(JSON.stringify({ dns, directory: directory.address().port }));
