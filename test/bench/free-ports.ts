// Ports of the loopback interface that nobody listens on
// =============================================================================
//
// All are held open until the last one is known, so that none is given twice. Between here and the server's start another process may take one: then
// the server says so and its peer's start fails.

import { createServer, type Server } from 'node:net';

export async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(Array.from({ length: count }, () => listen()));
  const ports = probes.map((probe) => {
    const address = probe.address();
    if (typeof address !== 'object' || address === null) throw new Error('a TCP port has a number');
    return address.port;
  });
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host: '127.0.0.1', port: 0, exclusive: true }, () => resolve(probe));
  });
}
