// Neither the PDS nor `@atproto/identity` has a nameserver option: Node's default resolver is aimed instead. In the PDS this
// file is a preload and takes the address from its environment.
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

export function aimDnsAt(address) {
  dns.setServers([address]);
  dns.promises.setServers([address]);
  // Who imports `node:dns/promises` as a namespace would otherwise keep the functions of the old resolver.
  syncBuiltinESMExports();
}

if (process.env.TEST_NAMESERVER) aimDnsAt(process.env.TEST_NAMESERVER);
