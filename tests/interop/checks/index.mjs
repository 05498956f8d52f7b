// In this order: what only reads comes before what changes names.
import dns from './dns.mjs';
import events from './events.mjs';
import identity from './identity.mjs';
import lookup from './lookup.mjs';
import pdsAsks from './pds-asks.mjs';
import plcLog from './plc-log.mjs';
import rename from './rename.mjs';
import xrpc from './xrpc.mjs';

export default [...lookup, ...xrpc, ...identity, ...pdsAsks, ...rename, ...plcLog, ...dns, ...events];
