// Floods a running service from one client, and says what another client meets meanwhile.
//
//   node tests/flood/run.mjs [--seconds N] [--only NAME]     (NAMESAKE_BIN: the binary; default: target/release/namesake)
//
// Everything is on this machine: the service, the world that it asks (a name server, a directory), the client that floods
// (127.0.0.1; one attack comes through a proxy, from ten thousand addresses) and the client that looks up names for itself
// (127.0.0.2). Exit 1 when that one was refused something, or waited for a second or longer.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const option = (name, usual) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? usual : process.argv[at + 1];
};
const seconds = Number(option("--seconds", "8"));
const only = option("--only", "");
const binary = resolve(process.env.NAMESAKE_BIN ?? join(here, "../../target/release/namesake"));
const FLOOD = "127.0.0.1";
const OTHER = "127.0.0.2";
const PROXY = "127.0.0.3";

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// --- the parts ------------------------------------------------------------------------------------------------------

/** Starts a program of ours, and hands on the lines that it prints. */
function part(file, ...args) {
  const child = spawn(process.execPath, [join(here, file), ...args], { stdio: ["pipe", "pipe", "inherit"] });
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function startService(directory, world) {
  const port = await freePort();
  const config = join(directory, "namesake.toml");
  writeFileSync(
    config,
    `[server]
listen = "127.0.0.1:${port}"
trusted_proxies = ["${PROXY}/32"]
[store]
url = "memory:"
[dns]
nameservers = ["127.0.0.1:${world.dns}"]
[atproto]
plc_url = "http://127.0.0.1:${world.directory}"
allow_test_tld = true
`,
  );
  const child = spawn(binary, ["serve", "--config", config], { stdio: ["ignore", "inherit", "ignore"] });
  for (let tries = 0; tries < 100; tries++) {
    const up = await get(port, OTHER, "/readyz").catch(() => undefined);
    if (up?.status === 200) return { child, port };
    await sleep(50);
  }
  throw new Error("the service did not come up");
}

// --- the client that floods -----------------------------------------------------------------------------------------

/** Statuses that it saw, counted. */
const seen = new Map();
const see = (status) => seen.set(status, (seen.get(status) ?? 0) + 1);

function get(port, localAddress, path, headers = {}, body = undefined) {
  return new Promise((done, failed) => {
    const request = http.request(
      { host: "127.0.0.1", port, localAddress, path, method: body ? "POST" : "GET", headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece) => (text += piece));
        response.on("end", () => done({ status: response.statusCode, text }));
        response.on("error", failed);
      },
    );
    request.on("error", failed);
    request.end(body);
  });
}

let number = 0;
const DIGITS = "abcdefghijklmnopqrstuvwxyz234567";
const unknownDid = () => {
  let id = "";
  for (let place = 0; place < 24; place++) id += DIGITS[Math.floor(Math.random() * 32)];
  return `did:plc:${id}`;
};

/** Ten batches of a hundred a second, whatever becomes of them. */
const batches = (name) => async (port, until) => {
  while (Date.now() < until) {
    const handles = Array.from({ length: 100 }, name);
    get(port, FLOOD, "/v1/resolve", { "content-type": "application/json" }, JSON.stringify({ handles }))
      .then((reply) => {
        if (reply.status !== 200) return see(reply.status);
        for (const one of JSON.parse(reply.text).results) see(one.status);
      })
      .catch(() => see("closed"));
    await sleep(100);
  }
};

/** Connections that ask for pages without end, and read nothing. */
async function unread(port, until) {
  const request = "GET /compare HTTP/1.1\r\nhost: flood\r\n\r\n".repeat(200);
  const sockets = Array.from({ length: 50 }, () => {
    const socket = net.connect({ host: "127.0.0.1", port, localAddress: FLOOD }).pause();
    socket.on("error", () => {}).on("close", () => see("let go"));
    socket.write(request);
    return socket;
  });
  await sleep(until - Date.now());
  for (const socket of sockets) socket.destroy();
}

/** Connections that send a body one byte at a time. */
async function slowBodies(port, until) {
  const head = "POST /v1/resolve HTTP/1.1\r\nhost: flood\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n{";
  const sockets = Array.from({ length: 300 }, () => {
    const socket = net.connect({ host: "127.0.0.1", port, localAddress: FLOOD });
    socket.on("error", () => {}).on("close", () => see("let go"));
    socket.on("data", (data) => see(Number(data.toString("latin1").split(" ")[1])));
    socket.write(head);
    return socket;
  });
  while (Date.now() < until) {
    for (const socket of sockets) if (!socket.destroyed) socket.write(" ");
    await sleep(500);
  }
  for (const socket of sockets) socket.destroy();
}

/** One lookup each from ten thousand addresses behind a proxy, again and again, of names that nobody answers for. */
async function manyAddresses(port, until) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 400, localAddress: PROXY });
  let under_way = 0;
  while (Date.now() < until) {
    while (under_way < 400) {
      under_way++;
      const address = `10.${(number >> 8) % 40}.${number & 255}.1`;
      const path = `/v1/resolve?handle=n${number++}.silent.test`;
      const request = http.get(
        { host: "127.0.0.1", port, path, agent, localAddress: PROXY, headers: { "x-forwarded-for": address } },
        (response) => response.resume().on("end", () => (see(response.statusCode), under_way--)),
      );
      request.on("error", () => (see("closed"), under_way--));
    }
    await sleep(20);
  }
  agent.destroy();
}

const ATTACKS = [
  ["nothing", async (_, until) => sleep(until - Date.now())],
  ["unknown did:plc, 1000/s", batches(unknownDid)],
  ["unknown names, 1000/s", batches(() => `n${number++}.nobody.test`)],
  ["silent names, 1000/s", batches(() => `n${number++}.silent.test`)],
  ["50 that do not read", unread],
  ["300 slow bodies", slowBodies],
  ["10,000 addresses, silent names", manyAddresses],
];

// --- the table ------------------------------------------------------------------------------------------------------

const rows = [];
let bad = false;
const directory = mkdtempSync(join(tmpdir(), "namesake-flood."));
const world = part("world.mjs");
const ports = JSON.parse((await world.lines.next()).value);
try {
  for (const [name, attack] of ATTACKS) {
    if (only && !name.includes(only)) continue;
    // Each attack meets a service of its own: none is helped by what another left in memory.
    const service = await startService(directory, ports);
    seen.clear();
    const until = Date.now() + seconds * 1000;
    const flood = attack(service.port, until);
    // The flood is at its height before anybody else comes.
    await sleep(Math.min(1500, seconds * 250));
    const other = part("other.mjs", String(service.port), OTHER, String(until), name);
    const met = JSON.parse((await other.lines.next()).value);
    await flood;
    service.child.kill("SIGKILL");
    await once(service.child, "exit");
    const refused = met.asked - met.answered;
    bad ||= refused > 0 || met.longest >= 1000 || met.asked === 0;
    const flooded = [...seen].sort().map(([status, count]) => `${status}: ${count}`).join(", ");
    rows.push([name, met.asked, refused, met.median, met.p99, met.longest, flooded]);
    console.error(`${name}: ${JSON.stringify(met)} ${flooded}`);
  }
} finally {
  world.child.kill();
  rmSync(directory, { recursive: true, force: true });
}
console.log("| flood | cold lookups of another client | refused | median ms | p99 ms | longest ms | what the flood got |");
console.log("|---|---|---|---|---|---|---|");
for (const row of rows) console.log(`| ${row.join(" | ")} |`);
process.exit(bad ? 1 : 0);
