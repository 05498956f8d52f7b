// For the child programs: listen on loopback only, on any free port, and say which.
import { once } from 'node:events';

/** Makes `app.listen(…)`, which the packages call with a port alone, bind 127.0.0.1 and report the port it got. */
export function onLoopback(app) {
  const listen = app.listen.bind(app);
  app.listen = () => {
    const server = listen(0, '127.0.0.1');
    once(server, 'listening').then(() => process.send({ port: server.address().port }));
    return server;
  };
}

// The harness is gone: so are we.
process.on('disconnect', () => process.exit(0));
