// In this order: what only reads comes before what changes names.
import atcute from './atcute.mjs';
import clock from './clock.mjs';
import cors from './cors.mjs';
import dns from './dns.mjs';
import scenarios from './dns-scenarios.mjs';
import events from './events.mjs';
import families from './families.mjs';
import identity from './identity.mjs';
import labs from './labs.mjs';
import lookup from './lookup.mjs';
import openid from './openid.mjs';
import pages from './pages.mjs';
import pdsAsks from './pds-asks.mjs';
import python from './python.mjs';
import plcLog from './plc-log.mjs';
import rename from './rename.mjs';
import resolvConf from './resolv-conf.mjs';
import sandbox from './sandbox.mjs';
import store from './store.mjs';
import webvhAccounts from './webvh-accounts.mjs';
import webvhLogs from './webvh-logs.mjs';
import webvhOthers from './webvh-others.mjs';
import xrpc from './xrpc.mjs';

export default [
  lookup, pages, cors, xrpc, identity, labs, atcute, python, scenarios, clock, pdsAsks, rename, plcLog, dns, resolvConf, events, families, openid, sandbox, store, webvhLogs, webvhOthers, webvhAccounts,
].flat();
