// Starts the world, then either waits (`--world-only`) or starts Namesake (NAMESAKE_BIN) in it and runs the checks.
import { once } from 'node:events';
import { join } from 'node:path';
import checks from './checks/index.mjs';
import { startNamesake } from './world/namesake.mjs';
import { closeWorld, describe, startWorld } from './world/index.mjs';
import { stopAll, tail } from './world/process.mjs';

const [dir, mode] = process.argv.slice(2);
const CHECK_DEADLINE_MS = 45_000;

process.exitCode = 1;
const asked = Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
let world;
try {
  await Promise.race([work(), asked]);
} catch (error) {
  console.error(error.stack);
} finally {
  if (world) closeWorld(world);
  await stopAll();
  process.exit();
}

async function work() {
  world = await startWorld(dir);
  if (mode === '--world-only') {
    console.log(`${describe(world)}\n\nReady. In another terminal: namesake serve --config ${world.namesake.config}\nCtrl-C ends it.`);
    process.exitCode = 0;
    await new Promise(() => {});
  }
  const log = join(dir, 'namesake.log');
  await Promise.all([
    startNamesake(process.env.NAMESAKE_BIN, world.namesake, log),
    ...Object.entries(world.variants).map(([name, variant]) => startNamesake(process.env.NAMESAKE_BIN, variant, join(dir, `namesake-${name}.log`))),
  ]);
  const failed = await runAll();
  if (failed > 0) console.error(`--- the end of namesake's log\n${tail(log, 40)}---`);
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

// One after the other: they share the DNS zones and the gate's count.
async function runAll() {
  const width = Math.max(...checks.map(({ name }) => name.length)) + 3;
  let failed = 0;
  for (const { name, run, deadlineMs = CHECK_DEADLINE_MS } of checks) {
    let verdict = 'ok';
    try {
      await withDeadline(run(world), deadlineMs);
    } catch (error) {
      failed += 1;
      verdict = `FAILED\n${String(error.message).replaceAll(/^/gm, '    ')}`;
    }
    console.log(`${`${name} `.padEnd(width, '.')} ${verdict}`);
  }
  return failed;
}

async function withDeadline(work, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no verdict within ${ms} ms`)), ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
