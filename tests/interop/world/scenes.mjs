// Names below `example.com` whose records or pages are out of the ordinary, for `checks/dns-scenarios.mjs`.
import { BROKEN_ZONE } from './dns.mjs';
import { registerForeign } from './people.mjs';

/** Publishes them all at once; answers the DID that claims each name. */
export async function setScenes({ plc, pds, dns, pages }) {
  const names = ['torn', 'late', 'early', 'pieces', 'alias', 'wide', 'page', 'split', 'quiet', 'unheard'];
  const people = await Promise.all(names.map((name) => registerForeign(plc.url, `${name}.example.com`, pds.url)));
  const scenes = Object.fromEntries(names.map((name, i) => [name, people[i]]));
  const txt = (name) => `TXT "did=${scenes[name].did}"`;
  const [, , id] = scenes.pieces.did.split(':');

  await dns.publishRecords({
    '_atproto.torn.example.com': [txt('torn'), txt('page')],
    '_atproto.late.example.com': ['TXT "did=garbage"', txt('late')],
    '_atproto.early.example.com': [txt('early'), 'TXT "did=garbage"'],
    '_atproto.pieces.example.com': [
      'TXT "v=spf1 include:example.net -all"',
      String.raw`TXT "\255\254\192\128 not UTF-8"`,
      `TXT "di" "d=did:" "plc:${id.slice(0, 5)}" "" "${id.slice(5)}"`,
    ],
    '_atproto.alias.example.com': ['CNAME middle.example.net.'],
    'middle.example.net': ['CNAME alias-proof.test.'],
    'alias-proof.test': [txt('alias')],
    '_atproto.circle.example.com': ['CNAME circle.example.net.'],
    'circle.example.net': ['CNAME _atproto.circle.example.com.'],
    '_atproto.wide.example.com': [
      ...Array.from({ length: 12 }, (_, i) => `TXT "verification-${i}=${'x'.repeat(200)}"`),
      txt('wide'),
    ],
    // An address and nothing below: `_atproto` does not exist.
    'page.example.com': ['A 127.0.0.1'],
    'empty-nsd.example.com': ['A 127.0.0.1'],
    'empty-knot.example.com': ['A 127.0.0.1'],
    '_atproto.split.example.com': [txt('split')],
    '_atproto.quiet.example.com': [txt('quiet')],
    '_atproto.unheard.example.com': [txt('unheard')],
    // The web says 404 for these: only the DNS keeps them from being absent.
    '_atproto.refused.example.com': ['CNAME proof.example.edu.'],
    '_atproto.broken.example.com': [`CNAME proof.${BROKEN_ZONE}.`],
    '_atproto.lame.example.com': ['NS ns.example.edu.'],
  });
  pages.set('torn.example.com', scenes.torn.did);
  pages.set('page.example.com', `${scenes.page.did}\r\n`);
  pages.set('split.example.com', scenes.torn.did);
  return scenes;
}
