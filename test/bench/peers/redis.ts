// Redis: one server, its append-only file synced before every answer
// =============================================================================

import type { Redis } from 'ioredis';
import { freePorts } from '../free-ports.js';
import type { Driver, Peer, RunningPeer } from '../peer.js';
import { openRedis, redisFlags, redisMissing, redisVersions, startRedis } from './redis-server.js';

/**
 * `auto`: ioredis sends what one turn of the event loop asked for as one pipeline, which costs the server less. `off`: it writes each command by itself, one
 * after the other without waiting.
 */
export type RedisPipelining = 'auto' | 'off';

export function redisPeer(pipelining: RedisPipelining): Peer {
  return {
    name: 'redis',
    title: 'Redis, 1 server, AOF always',
    promise: {
      fsyncBeforeAnswer: true,
      copies: '1: no other server has it',
      reads: 'the one server: current',
      isReadCurrent: true,
    },
    settings: [
      redisFlags,
      `client: ioredis, one connection, enableAutoPipelining: ${pipelining === 'auto'}, commands SET and GET`,
    ],
    canScan: false,
    missing: redisMissing,
    versions: redisVersions,
    start: (directory, signal) => start(directory, pipelining, signal),
  };
}

async function start(directory: string, pipelining: RedisPipelining, signal: AbortSignal): Promise<RunningPeer> {
  const [port] = (await freePorts(1)) as [number];
  const server = startRedis('redis', port, directory);
  try {
    await server.until(async () => {
      const client = await openRedis(port, false);
      const answer = await client.ping();
      client.disconnect();
      return answer === 'PONG';
    }, signal);
    return {
      servers: [server.pid],
      connect: async () => new RedisDriver(await openRedis(port, pipelining === 'auto')),
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

class RedisDriver implements Driver {
  readonly #client: Redis;

  constructor(client: Redis) {
    this.#client = client;
  }

  put(key: string, value: string): Promise<unknown> {
    return this.#client.set(key, value);
  }

  get(key: string): Promise<string | null> {
    return this.#client.get(key);
  }

  async close(): Promise<void> {
    this.#client.disconnect();
  }
}
