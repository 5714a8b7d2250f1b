// A Raft peer with a pretend disk and a pretend state machine
// =============================================================================
//
// Does with the peer's outputs what the metadata actor does, but the test decides when the disk syncs and what a crash keeps.
// The state machine is the list of commands applied.

import { RaftPeer, type RaftSetup } from '../../actors/metadata/raft/peer.js';
import { RaftRecovery, type RecoveredRaft } from '../../actors/metadata/raft/recovery.js';
import type { RaftOptions } from '../../actors/metadata/raft/options.js';
import type { RaftOutput } from '../../actors/metadata/raft/outputs.js';
import type { MembershipChange } from '../../actors/metadata/raft/membership.js';
import type { RaftEntry } from '../../messaging/protocol/raft-entry.js';
import type { RaftMessage } from '../../messaging/protocol/raft-messages.js';
import { concatBytes } from '../../runtime/std/bytes.js';
import { assert } from '../../runtime/std/assert.js';
import type { Random } from '../../runtime/std/random.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export interface StoredSnapshot {
  readonly meta: Uint8Array;
  readonly chunks: readonly Uint8Array[];
  /** Replay starts at this position of `records`. */
  readonly replayFrom: number;
}

interface StoredRecord {
  readonly token: number;
  readonly bytes: Uint8Array;
}

export interface Applied {
  readonly index: number;
  readonly term: number;
  readonly command: string | undefined;
}

export class RaftNode {
  readonly id: string;
  readonly #options: Partial<RaftOptions>;
  readonly #random: Random;
  readonly #bootstrap: MembershipChange | undefined;
  readonly chunkBytes: number;
  #life = 0;
  peer: RaftPeer;
  /** Everything ever appended; positions are lsns. */
  readonly records: StoredRecord[] = [];
  #durableCount = 0;
  #snapshot: StoredSnapshot | undefined;
  #writing: { readonly snapshot: number; readonly stored: StoredSnapshot; step: 'writing' | 'switching' } | undefined;
  /** What the state machine holds: every entry it was given since the beginning, snapshots included. */
  state: Applied[] = [];
  readonly readsReady: { readonly request: number; readonly index: number }[] = [];
  readonly readsLost: number[] = [];
  isDown = false;

  constructor(
    id: string,
    random: Random,
    nowMs: number,
    options: Partial<RaftOptions>,
    bootstrap: MembershipChange | undefined,
    chunkBytes = 64,
  ) {
    this.id = id;
    this.#random = random;
    this.#options = options;
    this.#bootstrap = bootstrap;
    this.chunkBytes = chunkBytes;
    this.peer = new RaftPeer(this.#setup(nowMs, undefined));
  }

  #setup(nowMs: number, recovery: RaftRecovery | undefined): RaftSetup {
    return {
      id: this.id,
      random: this.#random.split(`life ${this.#life++}`),
      nowMs,
      options: this.#options,
      recovered: recovery?.finish(),
      bootstrap: this.#bootstrap,
    };
  }

  get hasUnsynced(): boolean {
    return this.#durableCount < this.records.length;
  }

  get writesSnapshot(): boolean {
    return this.#writing !== undefined;
  }

  /** Acts on outputs until there are none. Gives the messages to send; `seen` gets every output in order. */
  drain(seen: (output: RaftOutput) => void = () => {}): RaftMessage[] {
    const messages: RaftMessage[] = [];
    for (let outputs = this.peer.takeOutputs(); outputs.length > 0; outputs = this.peer.takeOutputs()) {
      for (const output of outputs) {
        seen(output);
        this.#act(output, messages);
      }
    }
    return messages;
  }

  #act(output: RaftOutput, messages: RaftMessage[]): void {
    switch (output.kind) {
      case 'persist':
        this.records.push({ token: output.token, bytes: output.record });
        return;
      case 'send':
        messages.push(output.message);
        return;
      case 'apply':
        for (const entry of output.entries) this.#apply(entry);
        return;
      case 'read-ready':
        assert(output.index <= this.state.length, 'M10: a read is answered from a state that has it');
        this.readsReady.push(output);
        return;
      case 'read-lost':
        this.readsLost.push(output.request);
        return;
      case 'begin-snapshot': {
        const chunks = output.chunks ?? this.stateChunks();
        const stored = { meta: output.meta, chunks, replayFrom: this.records.length };
        this.#writing = { snapshot: output.snapshot, stored, step: 'writing' };
        return;
      }
      case 'commit-snapshot':
        assert(this.#writing?.snapshot === output.snapshot, 'K3: the snapshot switched on is the one written');
        this.#writing.step = 'switching';
        return;
      case 'restore-state':
        this.#restore(output.chunks);
        assert(this.state.length === output.index, 'M11: a snapshot holds what it says');
        return;
      case 'snapshot-wanted':
        this.peer.provideSnapshot(this.stateChunks());
        return;
      default:
    }
  }

  #apply(entry: RaftEntry): void {
    assert(entry.index === this.state.length + 1, 'M5: entries are applied in order');
    const command = entry.kind === 'command' ? textOf(entry.bytes) : undefined;
    this.state.push({ index: entry.index, term: entry.term, command });
  }

  stateChunks(): Uint8Array[] {
    const bytes = bytesOf(JSON.stringify(this.state));
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += this.chunkBytes) chunks.push(bytes.slice(at, at + this.chunkBytes));
    return chunks;
  }

  #restore(chunks: readonly Uint8Array[]): void {
    this.state = JSON.parse(textOf(concatBytes(chunks))) as Applied[];
  }

  /** The disk catches up with everything appended, or with `count` more records. */
  sync(nowMs: number, count = Infinity): void {
    const through = Math.min(this.records.length, this.#durableCount + count);
    const last = this.records[through - 1];
    if (last === undefined || through === this.#durableCount) return;
    this.#durableCount = through;
    this.peer.persisted(last.token, nowMs);
  }

  /** The world goes on with the snapshot being written, if it can. */
  advanceSnapshot(nowMs: number): void {
    const writing = this.#writing;
    if (writing === undefined) return;
    if (writing.step === 'writing') {
      this.peer.snapshotWritten(writing.snapshot, nowMs);
      return;
    }
    this.#snapshot = writing.stored;
    this.#writing = undefined;
    this.peer.snapshotStored(writing.snapshot, nowMs);
  }

  /** Loses what was not synced, except the first `keep` records of it; `switched`: a switch under way had happened. */
  crash(keep = 0, switched = false): void {
    this.records.length = Math.min(this.records.length, this.#durableCount + keep);
    this.#durableCount = this.records.length;
    if (switched && this.#writing?.step === 'switching') this.#snapshot = this.#writing.stored;
    this.#writing = undefined;
    this.isDown = true;
  }

  #recovery(): RaftRecovery {
    const recovery = new RaftRecovery();
    if (this.#snapshot !== undefined) recovery.snapshot(this.#snapshot.meta);
    for (const record of this.records.slice(this.#snapshot?.replayFrom ?? 0, this.#durableCount))
      recovery.record(record.bytes);
    return recovery;
  }

  /** What the disk holds now. */
  recovered(): RecoveredRaft | undefined {
    return this.#recovery().finish();
  }

  restart(nowMs: number): void {
    const recovery = this.#recovery();
    this.state = [];
    this.readsReady.length = 0;
    this.readsLost.length = 0;
    if (this.#snapshot !== undefined) this.#restore(this.#snapshot.chunks);
    this.peer = new RaftPeer(this.#setup(nowMs, recovery));
    assert(this.peer.appliedIndex === this.state.length, 'M11: the state machine stands where its snapshot ends');
    this.isDown = false;
  }

  get writing(): 'writing' | 'switching' | undefined {
    return this.#writing?.step;
  }
}
