// The client that is not flooding: one cold lookup after the other, by handle and by DID in turn, on one connection.
//   node other.mjs PORT ADDRESS UNTIL NAME     prints what it met, as one line of JSON
import http from "node:http";

import { didOf } from "./people.mjs";

const [port, localAddress, until, name] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1, localAddress });
const took = [];
const statuses = {};
let answered = 0;

const ask = (path) =>
  new Promise((done) => {
    const request = http.get({ host: "127.0.0.1", port, path, agent, localAddress }, (response) => {
      response.resume().on("end", () => done(response.statusCode));
    });
    request.on("error", () => done(0));
  });

// Names of this run alone: nobody has asked for them.
const first = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1000, 7) * 100_000;
for (let person = first; Date.now() < Number(until) - 200; person++) {
  const by_handle = `/v1/resolve?handle=p${person}.people.test`;
  const by_did = `/xrpc/com.atproto.identity.resolveIdentity?identifier=${didOf(person)}`;
  const begun = performance.now();
  const status = await ask(person % 2 ? by_handle : by_did);
  took.push(performance.now() - begun);
  statuses[status] = (statuses[status] ?? 0) + 1;
  if (status === 200) answered++;
  await new Promise((done) => setTimeout(done, 20));
}
took.sort((one, two) => one - two);
const at = (part) => Math.round(took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? 0);
console.log(
  JSON.stringify({ asked: took.length, answered, median: at(0.5), p99: at(0.99), longest: at(1), statuses }),
);
