// Child processes, ports and waiting: whatever starts here also ends here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const running = new Set();

/** Starts `command`; its output goes to `log`. With `ipc`, the child may send one message to say that it is ready. */
export function start(command, args, { env, log, ipc = false }) {
  const out = openSync(log, 'a');
  const stdio = ['ignore', out, out, ...(ipc ? ['ipc'] : [])];
  const child = spawn(command, args, { env, stdio });
  closeSync(out);
  child.log = log;
  running.add(child);
  child.once('error', (error) => (child.spawnError = error));
  child.once('exit', () => running.delete(child));
  return child;
}

/** Starts a Node program of this folder that sends `{ port }` when it listens. */
export async function startNode(program, { env, log, preload = [] }) {
  const args = preload.flatMap((file) => ['--import', file]);
  const child = start(process.execPath, [...args, program], { env: { PATH: process.env.PATH, ...env }, log, ipc: true });
  const ready = await Promise.race([
    once(child, 'message').then(([message]) => message),
    once(child, 'exit').then(() => undefined),
    pause(60_000, undefined, { ref: false }),
  ]);
  if (ready === undefined) throw new Error(`${program} did not get ready:\n${tail(log)}`);
  return { child, port: ready.port };
}

/** While `action` runs, `child` and its children are stopped: their sockets take packets, and nobody answers. */
export async function silentDuring(child, action) {
  const family = [child.pid];
  for (const pid of family) {
    // The list grows while it is read.
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    family.push(...children.map(Number));
  }
  family.forEach((pid) => process.kill(pid, 'SIGSTOP'));
  try {
    return await action();
  } finally {
    family.forEach((pid) => process.kill(pid, 'SIGCONT'));
  }
}

/** Ends everything that `start` started, and returns when it is gone. */
export async function stopAll() {
  await Promise.all([...running].map(stop));
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 1_000);
  await gone;
  clearTimeout(patience);
}

/** Asks `probe` until it returns something other than `undefined`; a probe that throws counts as "not yet". */
export async function until(what, probe, { withinMs = 15_000, everyMs = 50 } = {}) {
  const deadline = Date.now() + withinMs;
  let last;
  do {
    try {
      const value = await probe();
      if (value !== undefined) return value;
      last = 'no answer yet';
    } catch (error) {
      if (error.fatal) throw error;
      last = error.message;
    }
    await pause(everyMs);
  } while (Date.now() < deadline);
  throw new Error(`${what}: not within ${withinMs} ms (${last})`);
}

/** A loopback port that is free for TCP now. Only for software that cannot be told "any port" and say which. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** The last lines of a log file, for messages about something that did not start. */
export function tail(log, lines = 20) {
  return readFileSync(log, 'utf8').split('\n').slice(-lines).join('\n');
}
