// A redis-server with its append-only file synced before every answer
// =============================================================================

import type { Redis } from 'ioredis';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, packageVersion, program, programVersion } from '../installed.js';
import type { Missing } from '../peer.js';
import { ServerProcess } from '../server-process.js';

export const redisFlags =
  "redis-server --bind 127.0.0.1 --port … --dir … --appendonly yes --appendfsync always --save '' --repl-diskless-sync-delay 0";

/** @param primary the port of the one that it copies; undefined: it copies nobody */
export function startRedis(name: string, port: number, directory: string, primary?: number): ServerProcess {
  const store = join(directory, name);
  mkdirSync(store);
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', store];
  args.push('--appendonly', 'yes', '--appendfsync', 'always', '--save', '');
  // 0 instead of 5 s: otherwise the first copy begins 5 s after the replica asked for it. Nothing in the measured time depends on it.
  args.push('--repl-diskless-sync-delay', '0');
  if (primary !== undefined) args.push('--replicaof', '127.0.0.1', String(primary));
  return ServerProcess.start(name, program('redis-server'), args, directory);
}

/** A client that never tries again: an answer that is lost is an error here. */
export async function openRedis(port: number, enableAutoPipelining: boolean): Promise<Redis> {
  const { Redis: Client } = await import('ioredis');
  const client = new Client({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    enableAutoPipelining,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined); // whoever waits for an answer gets the error
  await client.connect();
  return client;
}

export async function redisMissing(): Promise<Missing | undefined> {
  if (findProgram('redis-server') === undefined)
    return { what: 'redis-server', howToInstall: 'apt-get install redis-server' };
  if (packageVersion('ioredis') === undefined) return { what: 'ioredis', howToInstall: 'npm ci' };
  return undefined;
}

export async function redisVersions(): Promise<Record<string, string>> {
  return {
    'redis-server': await programVersion('redis-server'),
    'ioredis (npm)': packageVersion('ioredis') ?? 'unknown',
  };
}
