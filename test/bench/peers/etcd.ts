// etcd: three members on loopback, all defaults
// =============================================================================
//
// etcd's defaults are durable: every entry is in the write-ahead log and synced on a majority before it is answered, and reads are linearizable.

import type { Client } from '@grpc/grpc-js';
import { join } from 'node:path';
import { freePorts } from '../free-ports.js';
import { findProgram, packageVersion, program, programVersion } from '../installed.js';
import type { Driver, Missing, Peer, RunningPeer } from '../peer.js';
import { ServerProcess, stopAll } from '../server-process.js';
import { EtcdDriver, leads, openChannel } from './etcd-client.js';

/** Where requests go: to the leader, which saves a hop, or to all members in turn, which shares the work of answering. */
export type EtcdRoute = 'leader' | 'spread';

const members = ['m1', 'm2', 'm3'];
const grpcPackage = '@grpc/grpc-js';

export function etcdPeer(route: EtcdRoute): Peer {
  return {
    name: 'etcd',
    title: 'etcd, 3 members',
    promise: {
      fsyncBeforeAnswer: true,
      copies: 'a majority: 2 of 3',
      reads: 'linearizable',
      isReadCurrent: true,
    },
    settings: [
      'etcd --name mN --data-dir … --listen-client-urls … --advertise-client-urls … --listen-peer-urls … --initial-advertise-peer-urls … --initial-cluster m1=…,m2=…,m3=… --initial-cluster-state new --logger zap --log-level warn (×3; nothing else set)',
      `client: ${grpcPackage}, unary KV.Put and KV.Range (not serializable), one connection ${route === 'leader' ? "to the leader's endpoint" : 'to each member, asked in turn'}`,
    ],
    canScan: true,
    async missing(): Promise<Missing | undefined> {
      if (findProgram('etcd') === undefined) return { what: 'etcd', howToInstall: 'apt-get install etcd-server' };
      if (packageVersion(grpcPackage) === undefined) return { what: grpcPackage, howToInstall: 'npm ci' };
      return undefined;
    },
    async versions(): Promise<Record<string, string>> {
      return { etcd: await programVersion('etcd'), [`${grpcPackage} (npm)`]: packageVersion(grpcPackage) ?? 'unknown' };
    },
    start: (directory, signal) => start(directory, route, signal),
  };
}

async function start(directory: string, route: EtcdRoute, signal: AbortSignal): Promise<RunningPeer> {
  const ports = await freePorts(members.length * 2);
  const url = (port: number | undefined): string => `http://127.0.0.1:${port}`;
  const initial = members.map((name, i) => `${name}=${url(ports[members.length + i])}`).join(',');
  const servers = members.map((name, i) => {
    const client = url(ports[i]);
    const peer = url(ports[members.length + i]);
    const args = ['--name', name, '--data-dir', join(directory, name), '--logger', 'zap', '--log-level', 'warn'];
    args.push('--listen-client-urls', client, '--advertise-client-urls', client);
    args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
    args.push('--initial-cluster', initial, '--initial-cluster-state', 'new');
    return ServerProcess.start(name, program('etcd'), args, directory, 'ETCD_');
  });
  const channels: Client[] = [];
  try {
    for (const port of ports.slice(0, members.length)) channels.push(await openChannel(`127.0.0.1:${port}`));
    // Every member must know who leads: one that is still starting would be asked in vain.
    let leader: number | undefined;
    for (const server of servers)
      await server.until(async () => {
        const answers = await Promise.all(channels.map(leads));
        leader = answers.indexOf(true);
        return leader >= 0 && !answers.includes(undefined);
      }, signal);
    for (const channel of channels) channel.close();
    const endpoints = route === 'leader' ? [ports[leader ?? 0]] : ports.slice(0, members.length);
    return {
      servers: servers.map((server) => server.pid),
      connect: async (): Promise<Driver> =>
        new EtcdDriver(await Promise.all(endpoints.map((port) => openChannel(`127.0.0.1:${port}`)))),
      stop: () => stopAll(servers),
    };
  } catch (error) {
    for (const channel of channels) channel.close();
    await stopAll(servers);
    throw error;
  }
}
