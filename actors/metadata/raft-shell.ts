// The Raft peer in its world: journal, snapshots, timers, the network
// =============================================================================
//
// Carries out what the peer puts out, in the order it puts it out, and tells it what came of it.
//
// Owns:     the peer, and the chunks of the snapshot that is being written.
// Does not: know what the entries mean: that is its `StateMachine`.
//
// Invariants
//   X5. Outputs are carried out in their order and in the turn that made them: journal appends are the order of durability (M6).
//   X6. A snapshot's chunks are of the state at the very output that began it (M11).

import { metadataActor } from '../../messaging/protocol/cluster-map.js';
import type { RaftEntry } from '../../messaging/protocol/raft-entry.js';
import { buggify } from '../../runtime/probes/probes.js';
import { assert, present, unreachable } from '../../runtime/std/assert.js';
import { concatBytes } from '../../runtime/std/bytes.js';
import { hostOfMember } from './controller/group-members.js';
import type { MetadataContext } from './metadata-message.js';
import type { RaftOutput } from './raft/outputs.js';
import type { RaftPeer } from './raft/peer.js';
import { raftRecordType } from './raft/record.js';

/** Bytes of one snapshot chunk, on disk and in a message. */
const chunkBytesMax = 256 * 1024;

/** A snapshot is due when this many entries, or bytes of them, were applied since the last. */
export const snapshotPolicy = { entryCount: 4096, logBytes: 4 * 1024 * 1024 } as const;

export interface StateMachine {
  apply(entries: readonly RaftEntry[], context: MetadataContext): void;
  snapshot(): Uint8Array;
  restore(bytes: Uint8Array, context: MetadataContext): void;
  readReady(request: number, context: MetadataContext): void;
  readLost(request: number, context: MetadataContext): void;
  roleChanged(output: Extract<RaftOutput, { readonly kind: 'role-changed' }>, context: MetadataContext): void;
}

export class RaftShell {
  readonly peer: RaftPeer;
  readonly #machine: StateMachine;
  #chunks: readonly Uint8Array[] = [];

  constructor(peer: RaftPeer, machine: StateMachine) {
    this.peer = peer;
    this.#machine = machine;
  }

  /** At the end of every turn that touched the peer. */
  carryOut(context: MetadataContext): void {
    for (let outputs = this.peer.takeOutputs(); outputs.length > 0; outputs = this.peer.takeOutputs()) {
      for (const output of outputs) this.#do(output, context); // X5
      if (this.#isSnapshotDue()) this.peer.snapshot();
    }
    const deadlineMs = this.peer.nextDeadlineMs;
    if (deadlineMs === undefined) context.timers.cancel('raft');
    else context.timers.start('raft', Math.max(0, deadlineMs - context.nowMs), { kind: 'raft-tick' });
  }

  onAccepted(snapshot: number, next: number, context: MetadataContext): void {
    const chunk = this.#chunks[next];
    if (chunk === undefined) {
      this.#chunks = [];
      this.peer.snapshotWritten(snapshot, context.nowMs);
    } else this.#append(snapshot, next, chunk, context);
  }

  #isSnapshotDue(): boolean {
    const { appliedIndex, snapshotIndex, logBytes } = this.peer;
    if (appliedIndex > snapshotIndex && buggify('metadata/snapshot-now')) return true;
    if (appliedIndex - snapshotIndex >= snapshotPolicy.entryCount) return true;
    return logBytes >= snapshotPolicy.logBytes && appliedIndex - snapshotIndex >= snapshotPolicy.entryCount / 16;
  }

  #do(output: RaftOutput, context: MetadataContext): void {
    switch (output.kind) {
      case 'persist':
        context.journal.append(raftRecordType, output.record, { kind: 'raft-persisted', token: output.token });
        return;
      case 'send': {
        const host = hostOfMember(output.message.to);
        return context.send({ host, worker: 0, actor: metadataActor }, output.message);
      }
      case 'apply':
        return this.#machine.apply(output.entries, context);
      case 'read-ready':
        return this.#machine.readReady(output.request, context);
      case 'read-lost':
        return this.#machine.readLost(output.request, context);
      case 'role-changed':
        return this.#machine.roleChanged(output, context);
      case 'membership-changed':
        return context.emit({
          kind: 'metadata-members-changed',
          level: 'info',
          voters: output.membership.voters,
          outgoing: output.membership.outgoing,
          learners: output.membership.learners,
        });
      case 'begin-snapshot':
        return this.#beginSnapshot(output.snapshot, output.meta, output.chunks, context);
      case 'commit-snapshot':
        return context.snapshots.commit({ kind: 'snapshot-stored', snapshot: output.snapshot });
      case 'restore-state':
        return this.#machine.restore(concatBytes(output.chunks), context);
      case 'snapshot-wanted':
        return this.peer.provideSnapshot(chunksOf(this.#machine.snapshot()));
      default:
        return unreachable(output);
    }
  }

  #beginSnapshot(
    snapshot: number,
    meta: Uint8Array,
    received: readonly Uint8Array[] | undefined,
    context: MetadataContext,
  ): void {
    assert(this.#chunks.length === 0, 'X6: one snapshot is written at a time');
    this.#chunks = received ?? chunksOf(this.#machine.snapshot()); // X6
    context.snapshots.begin(context.journal.nextLsn, meta, received !== undefined);
    this.#append(snapshot, 0, present(this.#chunks[0], 'X6: a snapshot has a chunk'), context);
  }

  #append(snapshot: number, number: number, chunk: Uint8Array, context: MetadataContext): void {
    context.snapshots.append(chunk, { kind: 'snapshot-accepted', snapshot, next: number + 1 });
  }
}

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const size = buggify('metadata/small-chunks') ? Math.max(256, bytes.length >> 3) : chunkBytesMax;
  for (let at = 0; at === 0 || at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  return chunks;
}
