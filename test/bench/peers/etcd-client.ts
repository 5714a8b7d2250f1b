// A gRPC client of etcd's, as thin as it can be
// =============================================================================
//
// @grpc/grpc-js with one connection an endpoint and no generated code: the codec is etcd-messages.ts. Unary calls, as every etcd client makes them.

import type { Client, ServiceError } from '@grpc/grpc-js';
import type { Driver } from '../peer.js';
import { decodeLeads, decodeValues, encodeGet, encodePut, encodeScan } from './etcd-messages.js';

const putPath = '/etcdserverpb.KV/Put';
const rangePath = '/etcdserverpb.KV/Range';
const statusPath = '/etcdserverpb.Maintenance/Status';

const asIs = (bytes: Buffer): Buffer => bytes;
const ignore = (): undefined => undefined;

/** @param address `127.0.0.1:port` */
export async function openChannel(address: string): Promise<Client> {
  const grpc = await import('@grpc/grpc-js');
  return new grpc.default.Client(address, grpc.default.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1, // a connection of its own, which ends with this client
  });
}

function call<T>(channel: Client, path: string, request: Buffer, decode: (bytes: Buffer) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    channel.makeUnaryRequest(path, asIs, decode, request, (error: ServiceError | null, value?: T) => {
      if (error !== null) reject(error);
      else resolve(value as T);
    });
  });
}

export function leads(channel: Client): Promise<boolean | undefined> {
  return call(channel, statusPath, Buffer.alloc(0), decodeLeads);
}

/** Asks its channels in turn: the leader's alone, or every member's. Owns them. */
export class EtcdDriver implements Driver {
  readonly #channels: readonly Client[];
  #turn = 0;

  constructor(channels: readonly Client[]) {
    this.#channels = channels;
  }

  #next(): Client {
    this.#turn = (this.#turn + 1) % this.#channels.length;
    return this.#channels[this.#turn] as Client;
  }

  put(key: string, value: string): Promise<unknown> {
    return call(this.#next(), putPath, encodePut(key, value), ignore);
  }

  async get(key: string): Promise<string | undefined> {
    return (await call(this.#next(), rangePath, encodeGet(key), decodeValues))[0];
  }

  scan(start: string, limit: number): Promise<readonly string[]> {
    return call(this.#next(), rangePath, encodeScan(start, limit), decodeValues);
  }

  async close(): Promise<void> {
    for (const channel of this.#channels) channel.close();
  }
}
