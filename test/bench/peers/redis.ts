// Redis: one server, its append-only file synced before every answer
// =============================================================================

import type { Redis } from 'ioredis';
import { freePorts } from '../free-ports.js';
import type { Driver, Peer, RunningPeer } from '../peer.js';
import { openRedis, redisFlags, redisMissing, redisVersions, startRedis } from './redis-server.js';

/** ioredis then sends what one turn of the event loop asked for as one pipeline, and puts no timer on each. */
const autoPipelining = true;

export const redisPeer: Peer = {
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
    `client: ioredis, one connection, enableAutoPipelining: ${autoPipelining}, commands SET and GET`,
  ],
  canScan: false,
  missing: redisMissing,
  versions: redisVersions,
  start,
};

async function start(directory: string, signal: AbortSignal): Promise<RunningPeer> {
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
      connect: async () => new RedisDriver(await openRedis(port, autoPipelining)),
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
