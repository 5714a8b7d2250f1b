// Between the replicas of one partition
// =============================================================================
//
// Leader → follower: append, commit news, answers to reconcile, snapshots. Follower → leader: acks, reconcile.
// Every one carries the partition's lineage and leader epoch and the replica epochs of both ends (R3): a receiver in another epoch
// changes nothing. A batch of records (log-batch.ts) travels as the bytes that are journaled.
//
// Sources: Kafka KIP-101, KIP-279, KIP-320 for reconcile; KIP-966 for the in-sync set. We differ: the leader pushes, and a follower's
// position counts only once it is durable there (R4).

import type { ByteReader } from '../../runtime/std/byte-reader.js';
import type { ByteWriter } from '../../runtime/std/byte-writer.js';
import { limits } from './limits.js';
import { entry, type MessageEntry } from './message-codec.js';

export interface Link {
  readonly partition: number;
  readonly lineage: number;
  readonly epoch: number;
  /** Replica epoch of the sender. */
  readonly from: number;
  /** Replica epoch of the receiver, as the sender knows it. */
  readonly to: number;
}

export type ReplicationMessage =
  /**
   * Records from `base` on; the record before `base` is of epoch `previousEpoch`. No batches = commit news, or a question: the receiver answers when
   * it has more than `acknowledged`, which is what the sender knows it to have, or 0 to be answered in any case.
   */
  | {
      readonly kind: 'replicate';
      readonly link: Link;
      readonly base: number;
      readonly previousEpoch: number;
      readonly acknowledged: number;
      readonly highWatermark: number;
      readonly batches: readonly Uint8Array[];
    }
  /** `durableEnd`: everything below is on the sender's disk, and the record before it is of `lastEpoch` (R4). `highWatermark`: what it has applied. */
  | {
      readonly kind: 'replicated';
      readonly link: Link;
      readonly durableEnd: number;
      readonly lastEpoch: number;
      readonly logEnd: number;
      readonly highWatermark: number;
    }
  /** A follower of this epoch whose log may differ asks where it does (R12). */
  | { readonly kind: 'reconcile'; readonly link: Link; readonly logEnd: number; readonly lastEpoch: number }
  /** Your log agrees up to `logEnd`: records follow from there. */
  | { readonly kind: 'reconciled'; readonly link: Link; readonly logEnd: number; readonly highWatermark: number }
  /** Records of epochs above `epochAt` are not mine, and mine of `epochAt` end at `end`. Said of the log that ends at `logEnd` with `lastEpoch`, and of no other. */
  | {
      readonly kind: 'diverged';
      readonly link: Link;
      readonly logEnd: number;
      readonly lastEpoch: number;
      readonly epochAt: number;
      readonly end: number;
    }
  /** Your end is below my log's start: install the snapshot that follows. */
  | { readonly kind: 'snapshot-offer'; readonly link: Link; readonly snapshot: number; readonly meta: Uint8Array }
  | {
      readonly kind: 'snapshot-chunk';
      readonly link: Link;
      readonly snapshot: number;
      readonly index: number;
      readonly last: boolean;
      readonly bytes: Uint8Array;
    }
  /** The next chunk wanted; after the last one: the count of chunks, once installed durably. */
  | {
      readonly kind: 'snapshot-wanted';
      readonly link: Link;
      readonly snapshot: number;
      readonly index: number;
      readonly installed: boolean;
    }
  /** The receiver's epoch is behind: there is a newer one. */
  | { readonly kind: 'epoch-fenced'; readonly link: Link; readonly currentEpoch: number }
  /** L4(i): are you still in this epoch? Rounds are never reused. */
  | { readonly kind: 'confirm'; readonly link: Link; readonly round: number }
  | { readonly kind: 'confirmed'; readonly link: Link; readonly round: number };

function writeLink(writer: ByteWriter, link: Link): void {
  writer.varint(link.partition);
  writer.varint(link.lineage);
  writer.varint(link.epoch);
  writer.varint(link.from);
  writer.varint(link.to);
}

function readLink(reader: ByteReader): Link {
  return {
    partition: reader.varint(),
    lineage: reader.varint(),
    epoch: reader.varint(),
    from: reader.varint(),
    to: reader.varint(),
  };
}

export const replicationMessageEntries: readonly MessageEntry[] = [
  entry<ReplicationMessage, 'replicate'>(
    'replicate',
    20,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.base);
      w.varint(m.previousEpoch);
      w.varint(m.acknowledged);
      w.varint(m.highWatermark);
      w.varint(m.batches.length);
      for (const batch of m.batches) w.bytes(batch);
    },
    (r) => {
      const link = readLink(r);
      const base = r.varint();
      const previousEpoch = r.varint();
      const acknowledged = r.varint();
      const highWatermark = r.varint();
      const count = r.count(1, 4096);
      const batches: Uint8Array[] = [];
      for (let i = 0; i < count; i++) batches.push(r.bytes(limits.frameBytesMax));
      return { kind: 'replicate', link, base, previousEpoch, acknowledged, highWatermark, batches };
    },
  ),
  entry<ReplicationMessage, 'replicated'>(
    'replicated',
    21,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.durableEnd);
      w.varint(m.lastEpoch);
      w.varint(m.logEnd);
      w.varint(m.highWatermark);
    },
    (r) => ({
      kind: 'replicated',
      link: readLink(r),
      durableEnd: r.varint(),
      lastEpoch: r.varint(),
      logEnd: r.varint(),
      highWatermark: r.varint(),
    }),
  ),
  entry<ReplicationMessage, 'reconcile'>(
    'reconcile',
    22,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.logEnd);
      w.varint(m.lastEpoch);
    },
    (r) => ({ kind: 'reconcile', link: readLink(r), logEnd: r.varint(), lastEpoch: r.varint() }),
  ),
  entry<ReplicationMessage, 'reconciled'>(
    'reconciled',
    23,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.logEnd);
      w.varint(m.highWatermark);
    },
    (r) => ({ kind: 'reconciled', link: readLink(r), logEnd: r.varint(), highWatermark: r.varint() }),
  ),
  entry<ReplicationMessage, 'diverged'>(
    'diverged',
    24,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.logEnd);
      w.varint(m.lastEpoch);
      w.varint(m.epochAt);
      w.varint(m.end);
    },
    (r) => ({
      kind: 'diverged',
      link: readLink(r),
      logEnd: r.varint(),
      lastEpoch: r.varint(),
      epochAt: r.varint(),
      end: r.varint(),
    }),
  ),
  entry<ReplicationMessage, 'snapshot-offer'>(
    'snapshot-offer',
    25,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.snapshot);
      w.bytes(m.meta);
    },
    (r) => ({ kind: 'snapshot-offer', link: readLink(r), snapshot: r.varint(), meta: r.bytes(limits.frameBytesMax) }),
  ),
  entry<ReplicationMessage, 'snapshot-chunk'>(
    'snapshot-chunk',
    26,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.snapshot);
      w.varint(m.index);
      w.bool(m.last);
      w.bytes(m.bytes);
    },
    (r) => ({
      kind: 'snapshot-chunk',
      link: readLink(r),
      snapshot: r.varint(),
      index: r.varint(),
      last: r.bool(),
      bytes: r.bytes(limits.frameBytesMax),
    }),
  ),
  entry<ReplicationMessage, 'snapshot-wanted'>(
    'snapshot-wanted',
    27,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.snapshot);
      w.varint(m.index);
      w.bool(m.installed);
    },
    (r) => ({
      kind: 'snapshot-wanted',
      link: readLink(r),
      snapshot: r.varint(),
      index: r.varint(),
      installed: r.bool(),
    }),
  ),
  entry<ReplicationMessage, 'epoch-fenced'>(
    'epoch-fenced',
    28,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.currentEpoch);
    },
    (r) => ({ kind: 'epoch-fenced', link: readLink(r), currentEpoch: r.varint() }),
  ),
  entry<ReplicationMessage, 'confirm'>(
    'confirm',
    29,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.round);
    },
    (r) => ({ kind: 'confirm', link: readLink(r), round: r.varint() }),
  ),
  entry<ReplicationMessage, 'confirmed'>(
    'confirmed',
    30,
    (m, w) => {
      writeLink(w, m.link);
      w.varint(m.round);
    },
    (r) => ({ kind: 'confirmed', link: readLink(r), round: r.varint() }),
  ),
];
