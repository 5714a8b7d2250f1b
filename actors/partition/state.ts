// The replicated state of a partition: items, sessions, time
// =============================================================================
//
// A pure function of the log (R8): equal logs give equal states on every replica, so nothing here reads a clock or refuses for a reason
// that another replica might not share.
//
// Invariants
//   A1. `apply` is called with committed batches, in log order, each once.
//   A2. A write is executed only if its session knows the sequence as new (S2, S3): the check is here, not where it was proposed.
//   A3. The binding evaluation of a condition is here; a write whose condition fails changes nothing and its result is stored like any.
//
// Sources: CORRECTNESS R8, R19, R24, S1–S8.

import type { ScanItem, ReadItem, WriteOp, WriteResult } from '../../messaging/protocol/client-messages.js';
import type { Batch } from '../../messaging/protocol/log-batch.js';
import { incrementValue } from '../../messaging/protocol/value.js';
import { planted, sometimes } from '../../runtime/probes/probes.js';
import { unreachable } from '../../runtime/std/assert.js';
import { ByteReader, DecodeError } from '../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import { emptyBytes } from '../../runtime/std/bytes.js';
import type { Engine, ItemReader } from './engine/engine.js';
import { chunkItems, chunkSessions, type SnapshotMeta, type StateCheck } from './record.js';
import type { EpochStart } from './replication/epoch-table.js';
import { Sessions } from './sessions.js';

/** What applying a batch gave. `stale`: the session was gone and nothing more of the batch was executed. */
export type Applied =
  | { readonly kind: 'writes'; readonly stale: boolean; readonly results: readonly WriteResult[] }
  | { readonly kind: 'other' };

const other: Applied = { kind: 'other' };

export interface ScanRange {
  readonly start: Uint8Array;
  /** Excluded; empty = to the end. */
  readonly end: Uint8Array;
  readonly reverse: boolean;
  readonly limit: number;
  readonly bytesMax: number;
}

/** The state of one offset, chunk by chunk, while the live state moves on. Release it. */
export interface StateReader {
  /** About `bytesMax` bytes, owned by the caller; undefined at the end. */
  next(bytesMax: number): Uint8Array | undefined;
  release(): void;
}

export class PartitionState {
  readonly #engine: Engine;
  sessions = new Sessions();
  /** Of the newest batch applied (E3). */
  partitionTimeMs = 0;
  check: StateCheck = { offset: 0, hashHigh: 0, hashLow: 0 };
  /** Offset of a check at which the leader's state was another than ours (R19). */
  diverged: number | undefined;
  #reading = false;

  /** @param engine empty, and given up to this state. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get itemCount(): number {
    return this.#engine.itemCount;
  }

  get byteCount(): number {
    return this.#engine.byteCount;
  }

  hash(): { readonly high: number; readonly low: number } {
    return this.#engine.canonicalHash();
  }

  // --- reading --------------------------------------------------------------------------------------------------------

  /** A copy, so that it may leave this turn. */
  get(key: Uint8Array): ReadItem | undefined {
    return this.#engine.get(key);
  }

  /** Copies, in key order (or against it), at most `limit` items and about `bytesMax` bytes. */
  scan(range: ScanRange): { readonly items: readonly ScanItem[]; readonly more: boolean } {
    return this.#engine.scan(range);
  }

  // --- applying -------------------------------------------------------------------------------------------------------

  apply(batch: Batch): Applied {
    this.partitionTimeMs = Math.max(this.partitionTimeMs, batch.partitionTimeMs);
    const body = batch.body;
    switch (body.kind) {
      case 'writes':
        return this.#applyWrites(batch, body);
      case 'open-session':
        this.sessions.open(batch.base, this.partitionTimeMs);
        return other;
      case 'expire-sessions':
        for (const session of body.sessions) this.sessions.expire(session);
        return other;
      case 'check':
        return this.#applyCheck(batch.base, body);
      case 'epoch-start':
        return other;
      default:
        return unreachable(body);
    }
  }

  #applyWrites(batch: Batch, body: Extract<Batch['body'], { readonly kind: 'writes' }>): Applied {
    this.sessions.answered(body.session, body.answeredThrough, this.partitionTimeMs);
    const results: WriteResult[] = [];
    let offset = batch.base;
    for (const op of body.ops) {
      const verdict = this.sessions.judge(body.session, op.sequence); // A2
      if (verdict.kind === 'execute' || planted('PB27')) {
        const result = this.#execute(op, offset, batch.timeMs);
        this.sessions.store(body.session, result);
        results.push(result);
      } else if (verdict.kind === 'repeat') {
        sometimes('partition/write-deduplicated-at-apply');
        results.push(verdict.result);
      } else return { kind: 'writes', stale: true, results };
      offset++;
    }
    return { kind: 'writes', stale: false, results };
  }

  #execute(op: WriteOp, offset: number, timeMs: number): WriteResult {
    const item = this.#engine.meta(op.key);
    const version = item?.version ?? 0;
    if (op.ifVersion !== undefined && op.ifVersion !== version) {
      return { sequence: op.sequence, status: 'condition-failed', offset, version, value: emptyBytes }; // A3
    }
    switch (op.operation) {
      case 'put':
        this.#engine.put(
          op.key,
          op.value,
          { version: version + 1, createdAtMs: item?.createdAtMs ?? timeMs, updatedAtMs: timeMs, expiresAtMs: 0 },
          'force',
        );
        return { sequence: op.sequence, status: 'applied', offset, version: version + 1, value: emptyBytes };
      case 'delete':
        if (item !== undefined) this.#engine.delete(op.key);
        return { sequence: op.sequence, status: 'applied', offset, version, value: emptyBytes };
      case 'increment': {
        const value = incrementValue(this.#engine.get(op.key)?.value, op.value);
        if (value === undefined)
          return { sequence: op.sequence, status: 'invalid', offset, version, value: emptyBytes };
        this.#engine.put(
          op.key,
          value,
          { version: version + 1, createdAtMs: item?.createdAtMs ?? timeMs, updatedAtMs: timeMs, expiresAtMs: 0 },
          'force',
        );
        return { sequence: op.sequence, status: 'applied', offset, version: version + 1, value: value.slice() };
      }
      default:
        return unreachable(op.operation);
    }
  }

  /** R19: the leader says what its hash was at an earlier check; everybody notes the hash at this one. */
  #applyCheck(offset: number, body: Extract<Batch['body'], { readonly kind: 'check' }>): Applied {
    const { check } = this;
    const comparable = body.offset > 0 && body.offset === check.offset;
    const differs = comparable && (body.hashHigh !== check.hashHigh || body.hashLow !== check.hashLow);
    const { high, low } = this.#engine.canonicalHash();
    this.check = { offset, hashHigh: high, hashLow: low };
    if (differs) this.diverged = body.offset;
    return other;
  }

  // --- snapshots ------------------------------------------------------------------------------------------------------

  meta(lineage: number, offset: number, timeMs: number, epochs: readonly EpochStart[]): SnapshotMeta {
    return {
      lineage,
      offset,
      timeMs,
      partitionTimeMs: this.partitionTimeMs,
      check: this.check,
      epochs: epochs.filter((entry) => entry.start < offset),
    };
  }

  /** The state as it is now; undefined while another reader is at work. */
  beginRead(): StateReader | undefined {
    if (this.#reading) return undefined;
    this.#reading = true;
    const writer = new ByteWriter(4096);
    writer.u8(chunkSessions);
    (planted('PB26') ? new Sessions() : this.sessions).encode(writer);
    let sessions: Uint8Array | undefined = writer.finish();
    const items: ItemReader = this.#engine.beginSnapshot();
    return {
      next: (bytesMax) => {
        if (sessions !== undefined) {
          const first = sessions;
          sessions = undefined;
          return first;
        }
        const chunk = items.next(bytesMax);
        if (chunk === undefined) return undefined;
        const tagged = new Uint8Array(chunk.length + 1);
        tagged[0] = chunkItems;
        tagged.set(chunk, 1);
        return tagged;
      },
      release: () => {
        if (!this.#reading) return;
        this.#reading = false;
        items.release();
      },
    };
  }

  /** One chunk of a snapshot, into a state that was empty. @throws DecodeError */
  loadChunk(chunk: Uint8Array): void {
    if (chunk[0] === chunkSessions) {
      const reader = new ByteReader(chunk, 1);
      this.sessions = Sessions.decode(reader);
      reader.end();
    } else if (chunk[0] === chunkItems) this.#engine.loadChunk(chunk.subarray(1));
    else throw new DecodeError('no such chunk of a partition snapshot');
  }

  finishLoad(meta: SnapshotMeta): void {
    this.partitionTimeMs = meta.partitionTimeMs;
    this.check = meta.check;
  }
}
