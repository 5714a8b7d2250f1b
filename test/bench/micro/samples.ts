// What the benches work on: the same keys, values and messages at each run
// =============================================================================

import { encodeKey } from '../../../messaging/protocol/key.js';
import type { ClientMessage, WriteOp, WriteResult } from '../../../messaging/protocol/client-messages.js';
import type { Batch } from '../../../messaging/protocol/log-batch.js';
import type { Address } from '../../../runtime/contract/address.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { seededRandom } from '../../../runtime/std/random.js';

/** How many operations a message, a batch or a frame brings: a lone client, and what batching gives under load. */
export const batchSizes = [1, 64, 256] as const;

export const valueBytes = 256;

/** `1 put`, `64 puts`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

export const replicaAddress: Address = { host: 'h1', worker: 1, actor: 'partition-3' };
export const followerAddress: Address = { host: 'h2', worker: 1, actor: 'partition-3' };
export const clientAddress: Address = { host: '@d0a4c7b19e52', worker: 0, actor: 'client' };

/** Milliseconds as a leader's clock gives them: six bytes as a varint. */
export const wallMs = 1_790_000_000_000;

/** 14 characters, 16 bytes encoded. */
export function textKey(index: number): string {
  return `user:${String(index).padStart(9, '0')}`;
}

const multiplier = 7919;

/** The encoded key of a place in the order of all. */
export function keyAt(place: number): Uint8Array {
  return encodeKey(textKey(place * multiplier));
}

/**
 * Encoded keys, all different, in no order: as hashing gives them to one partition.
 * @param seed the same keys in another order
 */
export function shuffledKeys(count: number, from = 0, seed: string | number = 'keys'): Uint8Array[] {
  const random = seededRandom(seed);
  const keys = Array.from({ length: count }, (_, i) => keyAt(from + i));
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const key = keys[i] as Uint8Array;
    keys[i] = keys[j] as Uint8Array;
    keys[j] = key;
  }
  return keys;
}

/** Bytes that nobody can compress. */
export function randomBytes(count: number, seed: string | number = 'value'): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: count }, () => random.below(256));
}

export function puts(count: number, firstSequence = 1): WriteOp[] {
  const value = randomBytes(valueBytes);
  return shuffledKeys(count).map((key, i) => ({
    sequence: firstSequence + i,
    operation: 'put',
    key,
    value: value.slice(),
    ifVersion: undefined,
  }));
}

export type MessageOf<Kind extends ClientMessage['kind']> = Extract<ClientMessage, { readonly kind: Kind }>;

export function writeRequest(count: number, firstSequence = 1): MessageOf<'write'> {
  return {
    kind: 'write',
    request: 123_456,
    partition: 3,
    session: 42,
    answeredThrough: firstSequence - 1,
    ops: puts(count, firstSequence),
  };
}

export function writtenReply(count: number): MessageOf<'written'> {
  const results = Array.from(
    { length: count },
    (_, i): WriteResult => ({
      sequence: 10_000 + i,
      status: 'applied',
      offset: 5_000_000 + i,
      version: 3,
      value: emptyBytes,
    }),
  );
  return {
    kind: 'written',
    request: 123_456,
    partition: 3,
    lineage: 1,
    epoch: 7,
    durability: 'sync',
    replicas: ['h1', 'h2', 'h3'],
    results,
  };
}

export function readRequest(count: number): MessageOf<'read'> {
  const mark = { lineage: 1, offset: 5_000_000 };
  return {
    kind: 'read',
    request: 123_456,
    partition: 3,
    consistency: 'linearizable',
    mark,
    keys: shuffledKeys(count),
  };
}

export function readReply(count: number): MessageOf<'read-done'> {
  const value = randomBytes(valueBytes);
  const items = Array.from({ length: count }, () => ({
    value: value.slice(),
    version: 3,
    createdAtMs: wallMs,
    updatedAtMs: wallMs,
  }));
  return { kind: 'read-done', request: 123_456, partition: 3, mark: { lineage: 1, offset: 5_000_000 }, items };
}

export function writesBatch(count: number, base = 5_000_000, firstSequence = 1): Batch {
  return {
    base,
    count,
    lineage: 1,
    epoch: 7,
    timeMs: wallMs,
    partitionTimeMs: 3_600_000,
    body: { kind: 'writes', session: 42, answeredThrough: firstSequence - 1, ops: puts(count, firstSequence) },
  };
}
