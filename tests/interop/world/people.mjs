// Who lives in the world. Accounts of the PDS are made through its own API, foreign identities with the PLC library.
import { AtpAgent } from '@atproto/api';
import { Secp256k1Keypair } from '@atproto/crypto';
import plc from '@did-plc/lib';

/** Creates an account on the PDS with a profile record; answers its DID and a signed-in agent. */
export async function createAccount(service, fetch, handle, profile) {
  const agent = new AtpAgent({ service, fetch });
  const name = handle.split('.')[0];
  await agent.createAccount({ handle, email: `${name}@mail.example.org`, password: `${name}-has-a-long-password` });
  await agent.com.atproto.repo.putRecord({
    repo: agent.did,
    collection: 'app.bsky.actor.profile',
    rkey: 'self',
    record: { $type: 'app.bsky.actor.profile', ...profile },
  });
  return { handle, did: agent.did, agent, ...profile };
}

/** Registers a did:plc that claims `handle` and says it lives on `pds`. */
export async function registerForeign(plcUrl, handle, pds) {
  const key = await Secp256k1Keypair.create();
  const did = await new plc.Client(plcUrl).createDid({
    signingKey: key.did(),
    rotationKeys: [key.did()],
    signer: key,
    handle,
    pds,
  });
  return { handle, did };
}
