// A real PLC directory, in memory.
import plc from '@did-plc/server';
import { onLoopback } from './loopback.mjs';

const server = plc.PlcServer.create({ db: plc.Database.mock(), port: 0 });
onLoopback(server.app);
await server.start();
