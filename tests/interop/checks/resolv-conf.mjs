// The system's name servers, from a real /etc/resolv.conf: in namespaces of their own, so that the machine's is left alone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../world/resolv-conf-program.mjs');

export default [
  {
    name: 'resolv.conf: read leniently, looked at again, over TCP where it says so, past mute name servers',
    async run(world) {
      const dir = join(world.dir, 'resolv-conf');
      mkdirSync(dir, { recursive: true });
      const namespaces = ['--mount', '--net', ...(process.getuid() === 0 ? [] : ['--map-root-user'])];
      const args = [...namespaces, process.execPath, program, dir, process.env.NAMESAKE_BIN];
      const said = await new Promise((resolve) => {
        execFile('unshare', args, { timeout: 40_000 }, (error, stdout, stderr) => resolve(error ? `${error.message}\n${stdout}${stderr}` : ''));
      });
      assert.equal(said, '');
    },
  },
];
