// `@atproto-labs/handle-resolver`, as the OAuth client has it built in: from its cache, and over the bench's name server.
//   node labs.mjs <name server> <cold names> <cached answers>
import { Resolver } from 'node:dns/promises';
import { AtprotoHandleResolver, CachedHandleResolver } from '@atproto-labs/handle-resolver';

const [nameserver, cold, cached] = process.argv.slice(2);
const AT_ONCE = 128;
const dns = new Resolver();
dns.setServers([nameserver]);

const resolver = new CachedHandleResolver(
  new AtprotoHandleResolver({
    resolveTxt: async (name) => (await dns.resolveTxt(name)).map((chunks) => chunks.join('')),
    // No web host has any of these names; the attempt alone would cost it more.
    fetch: async () => { throw new TypeError('no such host'); },
  }),
);

async function rate(count, name) {
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) {
        if (!(await resolver.resolve(name(next++)))) throw new Error('not found');
      }
    }),
  );
  return Math.round((count / (performance.now() - begun)) * 1000);
}

const coldRate = await rate(+cold, (n) => `labs${n}.example.com`);
await rate(100, (n) => `warm${n}.example.com`);
const warmRate = await rate(+cached, (n) => `warm${n % 100}.example.com`);
console.log(`@atproto-labs/handle-resolver, in its own process, no server: ${warmRate}/s from its cache, ${coldRate}/s cold, ${AT_ONCE} at once`);
