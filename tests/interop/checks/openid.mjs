// A mirror of two real OpenID providers: link, see, rename there, see it here, outage, recovery.
import assert from 'node:assert/strict';
import { until } from '../world/process.mjs';
import { browse } from './browser.mjs';

const SUBJECT = 's-1';

const claims = (name) => ({ preferred_username: name, name: 'Grace Hopper', picture: 'https://pictures.example/grace.png' });

async function who(service, handle, scheme) {
  const response = await fetch(`${service.url}/v1/resolve?handle=${handle}&scheme=${scheme}`, { signal: AbortSignal.timeout(10_000) });
  return response.ok ? (await response.json()).account : response.status;
}

async function polls(service, scheme, outcome) {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const line = text.split('\n').find((it) => it.startsWith('namesake_mirror_polls_total{') && it.includes(`scheme="${scheme}"`) && it.includes(`outcome="${outcome}"`));
  return line ? Number(line.split(' ').at(-1)) : 0;
}

async function link(service, { name, forms }) {
  const response = await browse(`${service.url}/mirror/${name}/connect`, service.url, forms.map((form) => form(SUBJECT)));
  const body = await response.json();
  assert.equal(response.status, 201, JSON.stringify(body));
  return body;
}

const check = (provider) => ({
  name: `${provider}: linked, shown, renamed there and here, kept through an outage`,
  async run(world) {
    const service = world.variants.mirrors;
    const upstream = world.openid[provider];
    const seen = (handle, account) => until(`@${handle} is ${account}`, async () => ((await who(service, handle, provider)) === account ? true : undefined));
    await upstream.setUser(SUBJECT, claims('Grace'));
    const { account, handle } = await link(service, upstream);
    assert.equal(handle, 'grace');
    const shown = await (await fetch(`${service.url}/@grace?scheme=${provider}`, { headers: { accept: 'application/json' } })).json();
    assert.deepEqual([shown.account, shown.profile.displayName, shown.profile.avatar], [account, 'Grace Hopper', 'https://pictures.example/grace.png']);

    await upstream.setUser(SUBJECT, claims('amazing.grace'));
    await seen('amazing.grace', account);
    assert.equal(await who(service, 'grace', provider), 404);

    // Longer than its access tokens last, where they are short: the refresh tokens do it.
    const before = await polls(service, provider, 'answered');
    await until('five more polls', async () => ((await polls(service, provider, 'answered')) >= before + 5 ? true : undefined));

    await upstream.outage.during(async () => {
      await until('a poll fails', async () => ((await polls(service, provider, upstream.outage.is)) > 0 ? true : undefined));
      assert.equal(await who(service, 'amazing.grace', provider), account);
    });
    await upstream.setUser(SUBJECT, claims('grace'));
    await seen('grace', account);
    assert.equal(await polls(service, provider, 'dead'), 0);
  },
});

export default [check('mock'), check('certified')];
