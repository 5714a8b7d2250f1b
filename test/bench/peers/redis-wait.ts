// Redis with two replicas: batches of writes with one WAIT 1 each
// =============================================================================
//
// The nearest that Redis comes to a copy before the answer. WAIT counts replicas that have received the write, not those that have synced it, and a failover may
// still lose it: Redis promises no more.

import type { Redis } from 'ioredis';
import { freePorts } from '../free-ports.js';
import type { Driver, Peer, RunningPeer } from '../peer.js';
import { stopAll } from '../server-process.js';
import { openRedis, redisFlags, redisMissing, redisVersions, startRedis } from './redis-server.js';
import { type BatchAnswer, type Lane, WaitBatches } from './wait-batches.js';

const replicasMin = 1;
const waitMs = 5000;
/** 40 KB with 256-byte values: one of 512 writes may be larger than a loopback connection's first window, and then waits for the other end. */
const batchMax = 128;
/** Connections for writes, a batch at a time on each: WAIT holds its connection up. */
const lanes = 4;

export const redisWaitPeer: Peer = {
  name: 'redis-wait',
  title: 'Redis 1+2, AOF always, WAIT 1 a batch',
  promise: {
    fsyncBeforeAnswer: true,
    copies: '2 of 3: synced on the primary, received by a replica',
    reads: 'the primary: current, until a failover',
    isReadCurrent: true,
  },
  settings: [
    `${redisFlags} (×3), two of them with --replicaof 127.0.0.1 …`,
    `client: ioredis; writes: what one turn of the event loop asks for, at most ${batchMax}, as one pipeline of SET … SET, WAIT ${replicasMin} ${waitMs}; ${lanes} connections with one batch under way on each; reads: GET on a connection of their own with enableAutoPipelining`,
  ],
  canScan: false,
  missing: redisMissing,
  versions: redisVersions,
  start,
};

async function start(directory: string, signal: AbortSignal): Promise<RunningPeer> {
  const ports = (await freePorts(3)) as [number, number, number];
  const [primaryPort] = ports;
  const primary = startRedis('primary', primaryPort, directory);
  const servers = [primary];
  try {
    await primary.until(() => ask(primaryPort, async (client) => (await client.ping()) === 'PONG'), signal);
    for (const [i, port] of ports.slice(1).entries())
      servers.push(startRedis(`replica-${i + 1}`, port, directory, primaryPort));
    const haveAll = async (client: Redis): Promise<boolean> => {
      await client.set('bench:start', '1');
      return (await client.wait(2, 200)) === 2;
    };
    for (const server of servers) await server.until(() => ask(primaryPort, haveAll), signal);
    return {
      servers: servers.map((server) => server.pid),
      connect: async () => {
        const writers = await Promise.all(Array.from({ length: lanes }, () => openRedis(primaryPort, false)));
        return new RedisWaitDriver(writers, await openRedis(primaryPort, true));
      },
      stop: () => stopAll(servers),
    };
  } catch (error) {
    await stopAll(servers);
    throw error;
  }
}

async function ask<T>(port: number, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = await openRedis(port, false);
  try {
    return await question(client);
  } finally {
    client.disconnect();
  }
}

function laneOf(client: Redis): Lane {
  return async (keys, values): Promise<BatchAnswer> => {
    const pipeline = client.pipeline();
    for (let i = 0; i < keys.length; i++) pipeline.set(keys[i] as string, values[i] as string);
    pipeline.wait(replicasMin, waitMs);
    const answers = (await pipeline.exec()) ?? [];
    const [waitError, replicas] = answers.at(-1) ?? [new Error('no answer'), 0];
    if (waitError !== null) throw waitError;
    return { errors: answers.slice(0, -1).map(([error]) => error ?? undefined), replicas: Number(replicas) };
  };
}

class RedisWaitDriver implements Driver {
  readonly #writers: readonly Redis[];
  readonly #reader: Redis;
  readonly #batches: WaitBatches;

  constructor(writers: readonly Redis[], reader: Redis) {
    this.#writers = writers;
    this.#reader = reader;
    this.#batches = new WaitBatches(writers.map(laneOf), replicasMin, batchMax);
  }

  put(key: string, value: string): Promise<unknown> {
    return this.#batches.put(key, value);
  }

  get(key: string): Promise<string | null> {
    return this.#reader.get(key);
  }

  async close(): Promise<void> {
    for (const client of [...this.#writers, this.#reader]) client.disconnect();
  }
}
