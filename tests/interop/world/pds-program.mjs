// A real PDS, configured by its own PDS_* variables.
import { PDS } from '@atproto/pds';
import { onLoopback } from './loopback.mjs';

await PDS.run({ onCreated: (pds) => onLoopback(pds.app) });
