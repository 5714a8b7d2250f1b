// What is replicated and journaled: batches, records of partitions and of the metadata group, snapshot chunks
// =============================================================================

import fc from 'fast-check';
import {
  decodeBatchRecord,
  decodeMeta,
  decodeTruncateRecord,
  encodeBatchRecord,
  encodeMeta,
  encodeTruncateRecord,
} from '../../../actors/partition/record.js';
import { readChunk } from '../../../actors/partition/engine/snapshot-chunk.js';
import {
  decodeRecord,
  decodeSnapshotMeta,
  encodeRecord,
  encodeSnapshotMeta,
} from '../../../actors/metadata/raft/record.js';
import { type Batch, decodeBatch, decodeBatchHeader, encodeBatch } from '../../../messaging/protocol/log-batch.js';
import { decodeMembership, encodeMembership } from '../../../messaging/protocol/raft-entry.js';
import { crc32 } from '../../../runtime/std/crc32.js';
import { StreamRegistry } from '../../../runtime/storage/stream-registry.js';
import { accepted, checkRoundTrip, checkSize, rule, type Target } from '../target.js';
import { bytesOf } from './wire.js';

const header = { lineage: 1, epoch: 300, timeMs: 1_700_000_000_000, partitionTimeMs: 123_456 };
const op = {
  sequence: 9,
  operation: 'put' as const,
  key: new Uint8Array([2, 97, 0]),
  value: new Uint8Array([1]),
  ifVersion: undefined,
};
const batches: readonly Batch[] = [
  { ...header, base: 0, count: 1, body: { kind: 'epoch-start' } },
  { ...header, base: 1, count: 1, body: { kind: 'open-session', client: 'c1' } },
  {
    ...header,
    base: 2,
    count: 2,
    body: { kind: 'writes', session: 1, answeredThrough: 8, ops: [op, { ...op, ifVersion: 3 }] },
  },
  { ...header, base: 4, count: 1, body: { kind: 'expire-sessions', sessions: [1, 200, 70_000] } },
  { ...header, base: 5, count: 1, body: { kind: 'check', offset: 3, hashHigh: 0xffff_ffff, hashLow: 1 } },
];

export const batchTarget: Target = {
  name: 'batch',
  samples: () => batches.map((batch) => encodeBatch(batch)),
  run(input) {
    const head = accepted(() => decodeBatchHeader(input));
    const found = accepted(() => decodeBatch(input));
    if (found === undefined) return false;
    rule(
      head !== undefined && head.value.base === found.value.base && head.value.count === found.value.count,
      'the header alone says the same',
    );
    checkSize(found.value, input.length, 4);
    checkRoundTrip(found.value, encodeBatch, decodeBatch);
    return true;
  },
};

/** The first byte chooses among the records of a partition and its snapshot's meta. */
export const partitionRecordTarget: Target = {
  name: 'partition-record',
  samples: () => [
    tagged(0, encodeBatchRecord(7, encodeBatch(batches[0] as Batch))),
    tagged(1, encodeTruncateRecord(300)),
    tagged(
      2,
      encodeMeta({
        lineage: 2,
        offset: 400,
        timeMs: 5,
        partitionTimeMs: 6,
        check: { offset: 300, hashHigh: 1, hashLow: 2 },
        epochs: [
          { epoch: 1, start: 0 },
          { epoch: 3, start: 129 },
        ],
      }),
    ),
  ],
  run(input) {
    const bytes = input.subarray(1);
    switch ((input[0] ?? 0) % 3) {
      case 0:
        return accepted(() => decodeBatchRecord(bytes)) !== undefined;
      case 1: {
        const end = accepted(() => decodeTruncateRecord(bytes));
        return end !== undefined;
      }
      default: {
        const meta = accepted(() => decodeMeta(bytes));
        if (meta === undefined) return false;
        checkSize(meta.value, input.length, 4);
        checkRoundTrip(meta.value, encodeMeta, decodeMeta);
        return true;
      }
    }
  },
};

export const snapshotChunkTarget: Target = {
  name: 'snapshot-chunk',
  samples: () => [
    bytesOf((writer) => {
      writer.u8(1);
      writer.u8(0);
      writer.bytes(new Uint8Array([2, 97, 0]));
      for (const number of [3, 1_700_000_000_000, 1_700_000_000_001, 0]) writer.varint(number);
      writer.bytes(new Uint8Array([1]));
      writer.u8(1);
      for (const number of [2, 10, 20, 30]) writer.varint(number);
      writer.bytes(new Uint8Array([0xf6]));
      writer.u8(2);
      writer.varint(1);
      writer.u32(5);
      writer.u32(6);
    }),
  ],
  run(input) {
    const found = accepted(() => [...readChunk(input)]);
    if (found === undefined) return false;
    checkSize(found.value, input.length, 4);
    return true;
  },
};

const membership = { voters: ['h1-a', 'h2-b', 'h3-c'], outgoing: ['h1-a'], learners: [] };

/** The first byte chooses: a journal record, a snapshot's meta, a membership. */
export const raftRecordTarget: Target = {
  name: 'raft-record',
  samples: () => [
    tagged(0, encodeRecord({ kind: 'bootstrap', membership })),
    tagged(
      0,
      encodeRecord({
        kind: 'log',
        term: 300,
        vote: 'h1-a',
        base: { index: 4, term: 2 },
        entries: [
          { index: 5, term: 2, kind: 'command', bytes: new Uint8Array([1, 2, 3]) },
          { index: 6, term: 3, kind: 'membership', bytes: encodeMembership(membership) },
        ],
      }),
    ),
    tagged(0, encodeRecord({ kind: 'vote', term: 5, vote: undefined, base: { index: 1, term: 1 }, entries: [] })),
    tagged(1, encodeSnapshotMeta({ last: { index: 9, term: 4 }, membership })),
    tagged(2, encodeMembership(membership)),
  ],
  run(input) {
    const bytes = input.subarray(1);
    switch ((input[0] ?? 0) % 3) {
      case 0:
        return roundTrip(bytes, encodeRecord, decodeRecord);
      case 1:
        return roundTrip(bytes, encodeSnapshotMeta, decodeSnapshotMeta);
      default:
        return roundTrip(bytes, encodeMembership, decodeMembership);
    }
  },
};

function roundTrip<T>(bytes: Uint8Array, encode: (value: T) => Uint8Array, decode: (bytes: Uint8Array) => T): boolean {
  const found = accepted(() => decode(bytes));
  if (found === undefined) return false;
  checkSize(found.value, bytes.length, 4);
  checkRoundTrip(found.value, encode, decode);
  return true;
}

/** A record of the journal's own: its type, then its payload. */
export const registryTarget: Target = {
  name: 'registry',
  samples() {
    const registry = new StreamRegistry();
    const snapshots = [
      { id: 1, replayFromLsn: 10, fileBytes: 500 },
      { id: 2, replayFromLsn: 20, fileBytes: 600 },
    ];
    registry.add({
      number: 1,
      name: 'partition-1',
      kind: 'partition',
      args: new Uint8Array([1, 2]),
      damage: 'torn',
      snapshots,
    });
    const { head, streams } = registry.checkpoint(3);
    return [
      tagged(128, head),
      ...streams.map((stream) => tagged(129, stream)),
      tagged(130, Uint8Array.of(1)),
      tagged(131, Uint8Array.of(1, 3, 30, 90, 2)),
      tagged(132, Uint8Array.of(7)),
    ];
  },
  run(input) {
    const registry = new StreamRegistry();
    const found = accepted(() => registry.apply(input[0] ?? 0, 0, input.subarray(1)));
    if (found === undefined) return false;
    for (const entry of registry.streams()) {
      checkSize(entry, input.length, 4);
      rule(entry.snapshots.length <= 2, 'G2: a stream keeps at most two snapshots');
    }
    const { streams } = registry.checkpoint(1);
    rule(streams.length === registry.size, 'G1: a checkpoint names each stream');
    return true;
  },
};

function tagged(code: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(code), bytes]);
}

/** Two checksums of one polynomial: zlib's and ours. */
export const checksumTarget: Target = {
  name: 'checksum',
  samples: () => fc.sample(fc.uint8Array({ maxLength: 40 }), { seed: 3, numRuns: 4 }),
  run(input) {
    const half = input.length >> 1;
    rule(
      crc32(input.subarray(half), crc32(input.subarray(0, half))) === crc32(input),
      'a checksum may be taken in parts',
    );
    return true;
  },
};
