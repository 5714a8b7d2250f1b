// Faults of NATS and of the way to it
// =============================================================================
//
// nats-server has no other state than its connections. Each host has a proxy of its own in front of it.

import { type Fault, type FaultSite, lasting, seconds } from './fault.js';
import type { FlowMode, Towards } from './nats-proxy.js';
import { freeze } from './process-faults.js';
import { natsServer } from './soak-mesh.js';

async function flow({ mesh, random, pause }: FaultSite, mode: FlowMode, ways: readonly Towards[]): Promise<string> {
  const host = random.pick(mesh.hosts);
  const ms = lasting(random);
  for (const way of ways) mesh.proxy(host).setMode(way, mode);
  await pause(ms);
  mesh.proxy(host).heal();
  return `${host} for ${seconds(ms)}`;
}

export const networkFaults: readonly Fault[] = [
  {
    name: 'nats-kill',
    kind: 'nats',
    run: async ({ mesh }) => {
      mesh.kill(natsServer);
      return '';
    },
  },
  { name: 'nats-pause', kind: 'nats', run: async (site) => freeze(site, natsServer) },
  {
    name: 'nats-restart',
    kind: 'nats',
    run: async ({ mesh }) => {
      mesh.kill(natsServer, 'SIGTERM');
      return '';
    },
  },
  {
    name: 'cut',
    kind: 'network',
    run: async ({ mesh, random, pause }) => {
      const host = random.pick(mesh.hosts);
      const ms = lasting(random);
      mesh.proxy(host).cut();
      await pause(ms);
      mesh.proxy(host).heal();
      return `${host} for ${seconds(ms)}`;
    },
  },
  {
    name: 'delay',
    kind: 'network',
    run: async ({ mesh, random, pause }) => {
      const host = random.pick(mesh.hosts);
      const [delayMs, ms] = [random.between(5, 300), lasting(random)];
      mesh.proxy(host).setDelay(delayMs);
      await pause(ms);
      mesh.proxy(host).heal();
      return `${host} by ${delayMs} ms for ${seconds(ms)}`;
    },
  },
  { name: 'stall', kind: 'network', run: (site) => flow(site, 'stall', ['host', 'nats']) },
  { name: 'stall-in', kind: 'network', run: (site) => flow(site, 'stall', ['host']) },
  { name: 'stall-out', kind: 'network', run: (site) => flow(site, 'stall', ['nats']) },
  { name: 'lose-in', kind: 'network', run: (site) => flow(site, 'lose', ['host']) },
  { name: 'lose-out', kind: 'network', run: (site) => flow(site, 'lose', ['nats']) },
];
