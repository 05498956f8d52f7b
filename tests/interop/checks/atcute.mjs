// Unmodified `@atcute/identity-resolver`: aimed at Namesake, and, with its Node part for DNS, on its own.
import assert from 'node:assert/strict';
import {
  CompositeHandleResolver,
  DidNotFoundError,
  FailedHandleResolutionError,
  LocalActorResolver,
  PlcDidDocumentResolver,
  WellKnownHandleResolver,
  XrpcDidDocumentResolver,
  XrpcHandleResolver,
} from '@atcute/identity-resolver';
import { NodeDnsHandleResolver } from '@atcute/identity-resolver-node';
import { HANDLES, handlesAsNamesakeSees } from './ask.mjs';

const viaNamesake = ({ url }) => ({
  handleResolver: new XrpcHandleResolver({ serviceUrl: url }),
  didDocumentResolver: new XrpcDidDocumentResolver({ serviceUrl: url }),
});

const byItself = (world) => ({
  handleResolver: new CompositeHandleResolver({
    strategy: 'dns-first',
    methods: {
      dns: new NodeDnsHandleResolver({ nameservers: [world.dns.address] }),
      http: new WellKnownHandleResolver({ fetch: world.fetch }),
    },
  }),
  didDocumentResolver: new PlcDidDocumentResolver({ apiUrl: world.plc.url }),
});

export default [
  {
    name: '@atcute XrpcHandleResolver, aimed at Namesake: found; nobody; trouble',
    async run(world) {
      const { alice, bob, jane, twin } = world.people;
      for (const instance of [world.namesake, world.variants.invalidRequest]) {
        const { handleResolver } = viaNamesake(instance);
        for (const { handle, did } of [alice, bob, jane]) assert.equal(await handleResolver.resolve(handle), did);
        for (const handle of ['nobody.test', 'nobody.example.com']) await assert.rejects(handleResolver.resolve(handle), DidNotFoundError);
        await assert.rejects(handleResolver.resolve(twin.handle), FailedHandleResolutionError);
      }
    },
  },
  {
    name: '@atcute, its own DNS and well-known: agrees on every handle',
    async run(world) {
      const { handleResolver } = byItself(world);
      const theirs = {};
      for (const handle of HANDLES) theirs[handle] = await handleResolver.resolve(handle).catch(() => undefined);
      assert.deepEqual(await handlesAsNamesakeSees(world), theirs);
    },
  },
  {
    name: '@atcute LocalActorResolver: the same actors through Namesake as by itself',
    async run(world) {
      const { alice, bob, jane, tom, otherTom } = world.people;
      const ours = new LocalActorResolver(viaNamesake(world.namesake));
      const theirs = new LocalActorResolver(byItself(world));
      for (const actor of [alice.handle, alice.did, bob.did, jane.handle, jane.did, tom.handle, tom.did, otherTom.did]) {
        assert.deepEqual(await ours.resolve(actor), await theirs.resolve(actor), actor);
      }
      assert.equal((await ours.resolve(otherTom.did)).handle, 'handle.invalid');
    },
  },
];
