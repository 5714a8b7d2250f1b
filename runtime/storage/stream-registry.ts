// Which streams exist and which snapshots they have: the journal's own records, applied
// =============================================================================
//
// The same code applies them while writing and while recovering, so both have the same registry at the same record.
//
// Invariants
//   G1. After all records up to some point were applied, the registry is what it was when the last of them was written.
//   G2. A stream keeps at most two snapshots, the older first.

import { ByteReader, DecodeError } from '../std/byte-reader.js';
import { ByteWriter } from '../std/byte-writer.js';
import { checkpointType, closeType, firstJournalType, streamType, switchType, trimType } from './record.js';

/** What a start found and told the stream's owner, until the owner appends again (D8). */
export type Damage = 'none' | 'torn' | 'corrupt';
const damages: readonly Damage[] = ['none', 'torn', 'corrupt'];

export interface SnapshotEntry {
  readonly id: number;
  readonly replayFromLsn: number;
  readonly fileBytes: number;
}

export interface StreamEntry {
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly args: Uint8Array;
  damage: Damage;
  /** At most two, the older first (G2). */
  snapshots: readonly SnapshotEntry[];
}

export const streamNameBytesMax = 256;
export const argsBytesMax = 64 * 1024;
const snapshotsKeptMax = 2;
/** Of a stream: its field in a record has 32 bits. */
const streamMax = 0xffff_ffff;
/** Of segments, snapshots and lsns: more than any journal ever counts to. */
const numberMax = 2 ** 48;

export class StreamRegistry {
  readonly #streams = new Map<number, StreamEntry>();
  #damagedCount = 0;
  /** A checkpoint not all of whose streams were seen yet: it counts when it is whole, since a crash may have cut it short. */
  #staged: { readonly count: number; readonly nextStream: number; readonly entries: StreamEntry[] } | undefined;
  #isComplete = false;
  nextStream = 1;
  firstSegment = 1;

  /** A checkpoint was applied in full. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get(number: number): StreamEntry | undefined {
    return this.#streams.get(number);
  }

  streams(): IterableIterator<StreamEntry> {
    return this.#streams.values();
  }

  get size(): number {
    return this.#streams.size;
  }

  add(entry: StreamEntry): void {
    this.remove(entry.number);
    this.#streams.set(entry.number, entry);
    if (entry.damage !== 'none') this.#damagedCount++;
    this.nextStream = Math.max(this.nextStream, entry.number + 1);
  }

  setDamage(entry: StreamEntry, damage: Damage): void {
    this.#damagedCount += (damage === 'none' ? 0 : 1) - (entry.damage === 'none' ? 0 : 1);
    entry.damage = damage;
  }

  remove(number: number): void {
    const entry = this.#streams.get(number);
    if (entry === undefined) return;
    if (entry.damage !== 'none') this.#damagedCount--;
    this.#streams.delete(number);
  }

  #adoptStaged(): void {
    const staged = this.#staged;
    if (staged === undefined || staged.entries.length < staged.count) return;
    this.#staged = undefined;
    this.#streams.clear();
    this.#damagedCount = 0;
    this.nextStream = staged.nextStream;
    for (const entry of staged.entries) this.add(entry);
    this.#isComplete = true;
  }

  /** Every stream that was read, also of a checkpoint that is not whole: what can be said of a corrupt journal. */
  salvaged(): StreamEntry[] {
    const names = new Map<string, StreamEntry>();
    for (const entry of this.#staged?.entries ?? []) names.set(entry.name, entry);
    for (const entry of this.#streams.values()) names.set(entry.name, entry);
    return [...names.values()];
  }

  /** @throws DecodeError when a payload of the journal's own is not what its type says. */
  apply(type: number, stream: number, payload: Uint8Array): void {
    if (type < firstJournalType) {
      if (this.#damagedCount === 0) return;
      const entry = this.#streams.get(stream);
      if (entry !== undefined) this.setDamage(entry, 'none'); // its owner acted on it (D8)
      return;
    }
    const reader = new ByteReader(payload);
    switch (type) {
      case checkpointType: {
        const count = reader.varint();
        this.firstSegment = Math.max(this.firstSegment, readNumber(reader, numberMax));
        this.#staged = { count, nextStream: readNumber(reader, streamMax + 1), entries: [] };
        return this.#adoptStaged();
      }
      case streamType:
        if (this.#staged === undefined) return this.add(decodeStream(reader));
        this.#staged.entries.push(decodeStream(reader));
        return this.#adoptStaged();
      case closeType:
        return this.remove(reader.varint());
      case switchType: {
        const entry = this.#streams.get(reader.varint());
        const snapshot = readSnapshotEntry(reader);
        const keepFrom = reader.varint();
        if (entry === undefined) return;
        const kept = entry.snapshots.filter(({ id }) => id >= keepFrom && id < snapshot.id);
        entry.snapshots = [...kept, snapshot].slice(-snapshotsKeptMax); // G2
        // Who lost everything has a snapshot only from elsewhere: it acted on it (D8). One of a torn stream may be its own, and says nothing.
        if (entry.damage === 'corrupt') this.setDamage(entry, 'none');
        return;
      }
      case trimType:
        this.firstSegment = Math.max(this.firstSegment, readNumber(reader, numberMax));
        return;
      default:
        return; // a type of a later version, or the clean-shutdown marker
    }
  }

  /** The payloads of a checkpoint: its own, then one for each stream. */
  checkpoint(firstSegment: number): { readonly head: Uint8Array; readonly streams: readonly Uint8Array[] } {
    const writer = new ByteWriter();
    writer.varint(this.#streams.size);
    writer.varint(firstSegment);
    writer.varint(this.nextStream);
    const head = writer.finish();
    return { head, streams: Array.from(this.#streams.values(), (entry) => encodeStream(entry)) };
  }
}

export function encodeStream(entry: StreamEntry): Uint8Array {
  const writer = new ByteWriter(64 + entry.args.length);
  writer.varint(entry.number);
  writer.varint(damages.indexOf(entry.damage));
  writer.string(entry.name);
  writer.string(entry.kind);
  writer.bytes(entry.args);
  writer.varint(entry.snapshots.length);
  for (const snapshot of entry.snapshots) {
    writer.varint(snapshot.id);
    writer.varint(snapshot.replayFromLsn);
    writer.varint(snapshot.fileBytes);
  }
  return writer.finish();
}

/** Numbers are counted on from what is read, so that there must be room above it. @throws DecodeError */
function readNumber(reader: ByteReader, max: number): number {
  const value = reader.varint();
  if (value > max) throw new DecodeError(`a number of ${value}, ${max} at most`);
  return value;
}

function readSnapshotEntry(reader: ByteReader): SnapshotEntry {
  return {
    id: readNumber(reader, numberMax),
    replayFromLsn: readNumber(reader, numberMax),
    fileBytes: readNumber(reader, numberMax),
  };
}

function decodeStream(reader: ByteReader): StreamEntry {
  const number = readNumber(reader, streamMax);
  const damage = damages[reader.varint()] ?? 'corrupt';
  const name = reader.string(streamNameBytesMax);
  const kind = reader.string(streamNameBytesMax);
  const args = reader.bytes(argsBytesMax).slice();
  const snapshots: SnapshotEntry[] = [];
  const count = reader.count(3, snapshotsKeptMax);
  for (let i = 0; i < count; i++) snapshots.push(readSnapshotEntry(reader));
  return { number, name, kind, args, damage, snapshots };
}

export function encodeClose(stream: number): Uint8Array {
  const writer = new ByteWriter(8);
  writer.varint(stream);
  return writer.finish();
}

export function encodeSwitch(stream: number, snapshot: SnapshotEntry, keepFrom: number): Uint8Array {
  const writer = new ByteWriter(40);
  for (const value of [stream, snapshot.id, snapshot.replayFromLsn, snapshot.fileBytes, keepFrom]) writer.varint(value);
  return writer.finish();
}

export function encodeTrim(firstSegment: number): Uint8Array {
  const writer = new ByteWriter(8);
  writer.varint(firstSegment);
  return writer.finish();
}
