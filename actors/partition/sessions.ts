// Sessions: what makes a retried write apply once
// =============================================================================
//
// Part of the replicated state: every replica changes it only by applying log records, in log order, and snapshots carry it. A session is
// the offset of the record that opened it. For each it remembers the results of the writes that its client has not yet confirmed to have
// heard of.
//
// Invariants
//   S1. A session exists from its opening record to its expiry record, and at no other time.
//   S2. (session, sequence) is executed at most once: a second time gives the stored result.
//   S5. A sequence at or below what the client has confirmed, or of a session that is not here, is never executed.
//   S6. At most `limits.sessionWindowMax` sequences of a session are remembered.
//
// Sources: CORRECTNESS §2.9; Ongaro's dissertation §6.3 (client sessions).

import { type WriteResult, type WriteStatus, writeStatuses } from '../../messaging/protocol/client-messages.js';
import { limits } from '../../messaging/protocol/limits.js';
import { readWord, writeWord } from '../../messaging/protocol/message-codec.js';
import { planted } from '../../runtime/probes/probes.js';
import { assert } from '../../runtime/std/assert.js';
import type { ByteReader } from '../../runtime/std/byte-reader.js';
import type { ByteWriter } from '../../runtime/std/byte-writer.js';

interface Session {
  answeredThrough: number;
  /** Partition time of its last record. */
  activeAtMs: number;
  /** sequence → result, for sequences above `answeredThrough`. */
  readonly results: Map<number, WriteResult>;
}

/** `execute`: new, do it and `store` the result. `repeat`: done before. `stale`: never to be executed (S5). `beyond`: outside the window. */
export type SequenceVerdict =
  | { readonly kind: 'execute' }
  | { readonly kind: 'repeat'; readonly result: WriteResult }
  | { readonly kind: 'stale' }
  | { readonly kind: 'beyond' };

const execute: SequenceVerdict = { kind: 'execute' };
const stale: SequenceVerdict = { kind: 'stale' };
const beyond: SequenceVerdict = { kind: 'beyond' };

/** Results of `increment` carry a value; longer ones cannot occur, since a number is small (S8). */
export class Sessions {
  readonly #sessions = new Map<number, Session>();

  get count(): number {
    return this.#sessions.size;
  }

  has(session: number): boolean {
    return this.#sessions.has(session);
  }

  open(session: number, partitionTimeMs: number): void {
    assert(!this.#sessions.has(session), 'S1: an offset opens one session');
    this.#sessions.set(session, { answeredThrough: 0, activeAtMs: partitionTimeMs, results: new Map() });
  }

  expire(session: number): void {
    this.#sessions.delete(session);
  }

  /** The client has heard of everything up to `sequence`; those results may go. Old news changes nothing. */
  answered(session: number, sequence: number, partitionTimeMs: number): void {
    const known = this.#sessions.get(session);
    if (known === undefined) return;
    known.activeAtMs = Math.max(known.activeAtMs, partitionTimeMs);
    if (sequence <= known.answeredThrough) return;
    if (sequence - known.answeredThrough > limits.sessionWindowMax) {
      for (const stored of known.results.keys()) if (stored <= sequence) known.results.delete(stored);
    } else {
      for (let s = known.answeredThrough + 1; s <= sequence; s++) known.results.delete(s);
    }
    known.answeredThrough = sequence;
  }

  judge(session: number, sequence: number): SequenceVerdict {
    const known = this.#sessions.get(session);
    if (known === undefined || sequence <= known.answeredThrough) return planted('PB28') ? execute : stale; // S5
    if (sequence > known.answeredThrough + limits.sessionWindowMax) return beyond; // S6
    const result = known.results.get(sequence);
    return result === undefined ? execute : { kind: 'repeat', result }; // S2
  }

  store(session: number, result: WriteResult): void {
    const known = this.#sessions.get(session);
    assert(known !== undefined, 'S1: a result is stored in an open session');
    assert(!known.results.has(result.sequence), 'S2: one result a sequence');
    known.results.set(result.sequence, result);
  }

  /** Sessions without a record for `idleMs` of partition time, longest idle first. */
  idle(partitionTimeMs: number, idleMs: number, countMax: number): number[] {
    const found: { readonly session: number; readonly activeAtMs: number }[] = [];
    for (const [session, { activeAtMs }] of this.#sessions) {
      if (partitionTimeMs - activeAtMs >= idleMs) found.push({ session, activeAtMs });
    }
    found.sort((a, b) => a.activeAtMs - b.activeAtMs || a.session - b.session);
    return found.slice(0, countMax).map((one) => one.session);
  }

  encode(writer: ByteWriter): void {
    writer.varint(this.#sessions.size);
    for (const [session, { answeredThrough, activeAtMs, results }] of this.#sessions) {
      writer.varint(session);
      writer.varint(answeredThrough);
      writer.varint(activeAtMs);
      writer.varint(results.size);
      for (const result of results.values()) {
        writer.varint(result.sequence);
        writeWord<WriteStatus>(writer, writeStatuses, result.status);
        writer.varint(result.offset);
        writer.varint(result.version);
        writer.bytes(result.value);
      }
    }
  }

  /** @throws DecodeError */
  static decode(reader: ByteReader): Sessions {
    const sessions = new Sessions();
    const count = reader.count(4, limits.sessionCountMax);
    for (let i = 0; i < count; i++) {
      const number = reader.varint();
      const session: Session = { answeredThrough: reader.varint(), activeAtMs: reader.varint(), results: new Map() };
      const resultCount = reader.count(5, limits.sessionWindowMax);
      for (let r = 0; r < resultCount; r++) {
        const result: WriteResult = {
          sequence: reader.varint(),
          status: readWord(reader, writeStatuses),
          offset: reader.varint(),
          version: reader.varint(),
          value: reader.bytes().slice(),
        };
        session.results.set(result.sequence, result);
      }
      sessions.#sessions.set(number, session);
    }
    return sessions;
  }
}
