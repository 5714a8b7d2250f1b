// One real peer on the bench: the test plays the disk and all the others
// =============================================================================

import { expect } from 'chai';
import type { RaftOptions } from '../../actors/metadata/raft/options.js';
import type { RaftOutput } from '../../actors/metadata/raft/outputs.js';
import { RaftPeer, type RaftSetup } from '../../actors/metadata/raft/peer.js';
import { decodeRecord, type RaftRecord } from '../../actors/metadata/raft/record.js';
import { RaftRecovery } from '../../actors/metadata/raft/recovery.js';
import type { RaftEntry, RaftEntryKind } from '../../messaging/protocol/raft-entry.js';
import type { RaftMessage } from '../../messaging/protocol/raft-messages.js';
import { seededRandom } from '../../runtime/std/random.js';
import { bytesOf, textOf } from './raft-node.js';

export type Kind = RaftMessage['kind'];
export type Of<K extends Kind> = Extract<RaftMessage, { readonly kind: K }>;

/** The peer is `a`; `others` are the rest of its group. */
export class RaftBench {
  readonly records: RaftRecord[] = [];
  readonly #payloads: Uint8Array[] = [];
  readonly #setup: RaftSetup;
  nowMs = 0;
  peer: RaftPeer;
  /** What was put out since the last `take`. */
  outputs: RaftOutput[] = [];
  /** The disk syncs at once. */
  isFast = true;
  #lastToken = 0;

  constructor(others: readonly string[], options: Partial<RaftOptions> = {}, setup: Partial<RaftSetup> = {}) {
    this.#setup = {
      id: 'a',
      random: seededRandom('bench'),
      nowMs: 0,
      options,
      bootstrap: { voters: ['a', ...others], learners: [] },
      ...setup,
    };
    this.peer = new RaftPeer(this.#setup);
    this.drain();
    this.outputs = [];
  }

  drain(): void {
    for (let outputs = this.peer.takeOutputs(); outputs.length > 0; outputs = this.peer.takeOutputs()) {
      for (const output of outputs) {
        this.outputs.push(output);
        if (output.kind === 'persist') {
          this.#lastToken = output.token;
          this.#payloads.push(output.record);
          this.records.push(decodeRecord(output.record));
        }
      }
      if (this.isFast) this.peer.persisted(this.#lastToken, this.nowMs);
    }
  }

  sync(): void {
    this.peer.persisted(this.#lastToken, this.nowMs);
    this.drain();
  }

  /** A message from another peer, `b` unless said. */
  step<K extends Kind>(message: Omit<Of<K>, 'from' | 'to' | 'kind'> & { readonly from?: string }, kind: K): void {
    this.peer.step({ from: 'b', to: 'a', ...message, kind } as unknown as RaftMessage, this.nowMs);
    this.drain();
  }

  /** The clock moves to the peer's next deadline. */
  toDeadline(): void {
    this.nowMs = Math.max(this.nowMs, this.peer.nextDeadlineMs ?? this.nowMs);
    this.peer.tick(this.nowMs);
    this.drain();
  }

  elapse(ms: number): void {
    this.nowMs += ms;
    this.peer.tick(this.nowMs);
    this.drain();
  }

  /** Comes back from what is on its disk. */
  restart(): void {
    const recovery = new RaftRecovery();
    for (const payload of this.#payloads) recovery.record(payload);
    this.#lastToken = 0;
    this.peer = new RaftPeer({ ...this.#setup, nowMs: this.nowMs, recovered: recovery.finish() });
    this.drain();
    this.outputs = [];
  }

  /** Takes what was put out, by kind. */
  take<K extends RaftOutput['kind']>(kind: K): Extract<RaftOutput, { readonly kind: K }>[] {
    const taken = this.outputs.filter((output) => output.kind === kind);
    this.outputs = this.outputs.filter((output) => output.kind !== kind);
    return taken as Extract<RaftOutput, { readonly kind: K }>[];
  }

  /** Takes the messages sent, of one kind. */
  sent<K extends Kind>(kind: K): Of<K>[] {
    const sent = this.outputs.flatMap((output) =>
      output.kind === 'send' && output.message.kind === kind ? [output.message as Of<K>] : [],
    );
    this.outputs = this.outputs.filter((output) => output.kind !== 'send' || output.message.kind !== kind);
    return sent;
  }

  forget(): void {
    this.outputs = [];
  }

  /** Makes the peer a candidate in the next term. */
  becomeCandidate(voters: readonly string[] = ['b', 'c']): void {
    this.toDeadline();
    const term = this.peer.term + 1;
    for (const from of voters)
      if (this.peer.role === 'pre-candidate') this.step({ from, term, pre: true, granted: true }, 'raft-vote-reply');
    expect(this.peer.role).to.equal('candidate');
  }

  /** Makes the peer the leader of the next term; its no-op is sent, and not answered. */
  becomeLeader(voters: readonly string[] = ['b', 'c']): void {
    this.becomeCandidate(voters);
    for (const from of voters)
      if (this.peer.role === 'candidate')
        this.step({ from, term: this.peer.term, pre: false, granted: true }, 'raft-vote-reply');
    expect(this.peer.role).to.equal('leader');
  }

  accept(from: string, match: number): void {
    this.step({ from, term: this.peer.term, match }, 'raft-accepted');
  }

  /** Appends as if from leader `from`. */
  append(
    term: number,
    after: readonly [index: number, term: number],
    entries: readonly RaftEntry[],
    commit = 0,
    from = 'b',
  ): void {
    this.step({ from, term, previous: { index: after[0], term: after[1] }, commit, entries }, 'raft-append');
  }

  /** `index/term command, …` of everything in memory. */
  get log(): string {
    // The peer keeps its log to itself: read it back from what it wrote.
    const recovery = new RaftRecovery();
    for (const payload of this.#payloads) recovery.record(payload);
    const log = recovery.finish()?.log;
    if (log === undefined) return '';
    return log.slice(log.base.index, log.lastIndex).map(entryText).join(', ');
  }
}

export function entryOf(index: number, term: number, command = '', kind: RaftEntryKind = 'command'): RaftEntry {
  return { index, term, kind, bytes: bytesOf(command) };
}

export function entryText(entry: RaftEntry): string {
  const text = entry.kind === 'command' ? ` ${textOf(entry.bytes)}` : '';
  return `${entry.index}/${entry.term}${text}`;
}
