// A replica as follower in one leader epoch
// =============================================================================
//
// Finds where its log agrees with the leader's, takes what the leader sends, and acknowledges what is on its disk.
//
//   reconciling ──reconciled──▶ following ──gap──▶ reconciling
//     │  ▲ └──diverged──▶ truncating ──durable──┘
//     └──snapshot-offer──▶ installing ──last chunk──▶ switching ──durable──▶ reconciling
//
// Invariants
//   W1. Records are taken only in `following`, that is after this epoch's leader said where the logs agree (R12).
//   W2. An acknowledgement names what is durable here (for an `async` table: what is in the log), never more (R4).
//   W3. A committed record is never truncated in its lineage: a leader that asks for it makes this replica stop and keep its evidence (R12).
//   W4. A snapshot replaces log and state in one step, once it is durable; until then the old ones stand (M11). From its commit on that
//       cannot be called back, whatever epoch or role comes: the next follower waits for it, and appends nothing to the log that it replaces.
//   W5. An answer to `reconcile` acts only on the log that was asked about: one that comes late, or twice, would cut what was acknowledged since. A snapshot
//       below the end of a log that has agreed with this leader's answers an old question: who agrees lacks nothing that a leader trims.
//   W6. A follower that is not in sync and hears nothing speaks up: its leader may have given it up as silent.
//   W7. While the disk is full nothing is taken, so nothing more is acknowledged; the leader goes on without this replica (D14).
//   W8. A follower whose transfer brings nothing any more begins again: its leader may have ended it, and answers to no chunk of it.
//   W9. What a message with new records says is committed is applied after those were given to the disk, and before anything else is decided.
//
// Sources: CORRECTNESS R3, R4, R12; KIP-101, KIP-279, KIP-320.

import { decodeBatchHeader } from '../../messaging/protocol/log-batch.js';
import { spaceLevel } from '../../runtime/contract/cells.js';
import { buggify, planted, sometimes } from '../../runtime/probes/probes.js';
import { assert } from '../../runtime/std/assert.js';
import type { LocalSnapshot } from './local-snapshot.js';
import type { Of, PartitionContext } from './partition-message.js';
import { decodeMeta, type SnapshotMeta } from './record.js';
import type { ReplicaCore } from './replica-core.js';
import { truncationPoint } from './replication/reconcile.js';
import type { PartitionState } from './state.js';

/** How long to wait for the leader's answer before asking again. */
const retryMs = 200;

/** Not in sync, and nothing heard of the leader for so long: ask it. (W6) */
const silenceMs = 1000;

/** Installing, and no chunk came for so long: the leader may have given the transfer up. (W8) */
const installSilenceMs = 3000;

type Phase =
  | { readonly kind: 'reconciling' }
  | { readonly kind: 'following' }
  | { readonly kind: 'truncating' }
  | {
      readonly kind: 'installing';
      readonly snapshot: number;
      readonly meta: SnapshotMeta;
      readonly state: PartitionState;
      index: number;
      /** A chunk is on its way to the disk. */
      busy: boolean;
    }
  /** All of a snapshot is written, and the disk is about to start from it: nothing may be appended before it does. */
  | { readonly kind: 'switching'; readonly chunkCount: number | undefined };

export class Following {
  readonly kind = 'follower';
  readonly leader: string;
  readonly #core: ReplicaCore;
  readonly #newState: () => PartitionState;
  readonly #quarantine: (reason: string, context: PartitionContext) => void;
  readonly #localSnapshot: LocalSnapshot;
  #phase: Phase = { kind: 'reconciling' };
  /** When the leader was last heard. */
  #heardMs = 0;
  /** The log was one with the leader's, in this epoch. */
  #hasAgreed = false;
  /** Committed as far as the leader said, and perhaps not applied yet (W9). */
  #committed = 0;

  constructor(
    core: ReplicaCore,
    leader: string,
    localSnapshot: LocalSnapshot,
    newState: () => PartitionState,
    quarantine: (reason: string, context: PartitionContext) => void,
    context: PartitionContext,
  ) {
    this.#core = core;
    this.leader = leader;
    this.#localSnapshot = localSnapshot;
    this.#newState = newState;
    this.#quarantine = quarantine;
    if (planted('PB01') && core.log.end > core.highWatermark) {
      this.#phase = { kind: 'truncating' };
      core.truncateTo(core.highWatermark, context);
    } else if (core.switching === undefined) this.#reconcile(context);
    else this.#phase = { kind: 'switching', chunkCount: undefined }; // W4
  }

  get phase(): Phase['kind'] {
    return this.#phase.kind;
  }

  /** What this replica was doing ends here: another role, another epoch. */
  end(context: PartitionContext): void {
    this.applyCommitted();
    if (this.#phase.kind === 'installing') context.snapshots.abort();
    if (planted('PB52')) this.#core.switching = undefined;
    this.#phase = { kind: 'reconciling' };
    context.timers.cancel('retry');
  }

  #reconcile(context: PartitionContext): void {
    const core = this.#core;
    this.applyCommitted();
    if (this.#phase.kind === 'installing') context.snapshots.abort();
    this.#phase = { kind: 'reconciling' };
    const { lastEpoch } = core.log;
    context.send(core.addressOf(this.leader), {
      kind: 'reconcile',
      link: core.linkTo(this.leader),
      logEnd: core.log.end,
      lastEpoch,
    } as Of<'reconcile'>);
    context.timers.start('retry', retryMs, { kind: 'retry' });
  }

  /** Metadata of a newer partition epoch in the same leader epoch. */
  onPlacement(context: PartitionContext): void {
    if (this.#phase.kind !== 'following') return;
    if (buggify('partition/reconcile-again')) this.#reconcile(context);
    else this.#watchSilence(context);
  }

  /** W6. */
  #watchSilence(context: PartitionContext): void {
    const { self } = this.#core;
    if (!this.#core.place().partition.inSync.includes(self.host))
      context.timers.start('retry', silenceMs, { kind: 'retry' });
  }

  onRetry(context: PartitionContext): void {
    if (this.#phase.kind === 'truncating' || this.#phase.kind === 'switching') return;
    if (this.#phase.kind === 'following') {
      if (context.nowMs - this.#heardMs < silenceMs) return this.#watchSilence(context);
      if (!this.#core.place().partition.inSync.includes(this.#core.self.host)) this.#reconcile(context);
      return;
    }
    if (this.#phase.kind !== 'installing') return this.#reconcile(context);
    if (context.nowMs - this.#heardMs >= installSilenceMs && !this.#phase.busy && !planted('PB53')) {
      sometimes('partition/install-begun-again');
      return this.#reconcile(context); // W8
    }
    if (!this.#phase.busy) this.#wantChunk(context);
    context.timers.start('retry', retryMs, { kind: 'retry' });
  }

  onGap(context: PartitionContext): void {
    if (this.#phase.kind === 'following') this.#reconcile(context);
  }

  onReconciled(message: Of<'reconciled'>, context: PartitionContext): void {
    if (this.#phase.kind !== 'reconciling' || message.logEnd !== this.#core.log.end) return;
    this.#phase = { kind: 'following' };
    this.#hasAgreed = true;
    this.#heardMs = context.nowMs;
    context.timers.cancel('retry');
    this.#watchSilence(context);
    this.#learn(message.highWatermark);
    this.acknowledge(context);
  }

  onDiverged(message: Of<'diverged'>, context: PartitionContext): void {
    const core = this.#core;
    if (this.#phase.kind !== 'reconciling') return;
    const isOfThisLog = message.logEnd === core.log.end && message.lastEpoch === core.log.lastEpoch;
    if (!isOfThisLog) sometimes('partition/late-verdict-ignored');
    if (!isOfThisLog && !planted('PB45')) return; // W5; the retry asks again
    const end = truncationPoint(core.log, message.epochAt, message.end);
    if (end >= core.log.end) return this.#reconcile(context);
    if (end < core.highWatermark) {
      this.#quarantine(
        `W3: the leader of epoch ${core.epoch} lacks committed records: its log ends at ${end}, ${core.highWatermark} are committed here`,
        context,
      );
      return;
    }
    context.emit({
      kind: 'log-truncated',
      level: 'info',
      partition: core.partition,
      from: core.log.end,
      to: end,
      epoch: core.epoch,
    });
    this.#phase = { kind: 'truncating' };
    sometimes('partition/truncated');
    if (core.log.epochs.epochAt(end) < core.log.lastEpoch) sometimes('partition/truncated-two-epochs');
    core.truncateTo(end, context);
  }

  onTruncated(message: Of<'log-truncated'>, context: PartitionContext): void {
    this.#core.noteDurable(message.generation, message.end);
    if (this.#phase.kind === 'truncating' && message.generation === this.#core.generation) this.#reconcile(context);
  }

  onReplicate(message: Of<'replicate'>, context: PartitionContext): void {
    const core = this.#core;
    if (this.#phase.kind !== 'following') return; // W1
    this.#heardMs = context.nowMs;
    const isNews = message.batches.length > 0 || message.base > core.log.end;
    if (isNews && spaceLevel(context.cells, core.self.worker) === 'full') {
      sometimes('partition/full-follower-took-nothing');
      return this.#learn(message.highWatermark); // W7
    }
    if (message.base > core.log.end || !this.#follows(message)) {
      sometimes('partition/gap-in-appends');
      return this.#reconcile(context); // something before it was lost
    }
    let base = message.base;
    let appended = false;
    for (let i = 0; i < message.batches.length; i++) {
      const bytes = message.batches[i] as Uint8Array;
      if (base < core.log.end) {
        // Had already: in one epoch, what agrees up to our end is the same.
        base = Math.max(base, this.#endOf(base, bytes));
        continue;
      }
      const entry = core.appendBytes(bytes, context, i === message.batches.length - 1);
      base = entry.end;
      appended = true;
    }
    this.#committed = Math.max(this.#committed, message.highWatermark);
    if (!appended) this.applyCommitted();
    else if (this.#committed > core.highWatermark) context.send(core.self, { kind: 'apply' });
    // What was appended is acknowledged when it is durable (at once for an `async` table); what was not may have been lost on the way back.
    const due = appended
      ? core.place().table.durability === 'async' || planted('PB09')
      : core.ackEnd > message.acknowledged;
    if (due) this.acknowledge(context);
  }

  /** Log matching at the seam (R1): a record that we have before `base` is of the epoch that the leader has there. */
  #follows({ base, previousEpoch }: Of<'replicate'>): boolean {
    const { log } = this.#core;
    return base === 0 || base <= log.start || log.epochs.epochAt(base - 1) === previousEpoch;
  }

  /** Where a batch ends that we had already. Of what was trimmed, only its own bytes say so. */
  #endOf(base: number, bytes: Uint8Array): number {
    const { log } = this.#core;
    if (base >= log.start) return log.entryAt(base)?.end ?? log.end;
    const { base: own, count } = decodeBatchHeader(bytes);
    return own + count;
  }

  /** W2. */
  acknowledge(context: PartitionContext): void {
    const core = this.#core;
    if (this.#phase.kind !== 'following') return;
    const durableEnd = planted('PB10') ? core.log.end : core.ackEnd;
    const lastEpoch = durableEnd === 0 ? 0 : core.log.epochs.epochAt(durableEnd - 1);
    const link = core.linkTo(this.leader);
    const to = core.addressOf(this.leader);
    const { highWatermark } = core;
    const logEnd = core.log.end;
    const message = { kind: 'replicated', link, durableEnd, lastEpoch, logEnd, highWatermark } as Of<'replicated'>;
    context.send(to, message);
    if (buggify('partition/acknowledge-twice')) context.send(to, message);
  }

  #learn(highWatermark: number): void {
    this.#committed = Math.max(this.#committed, highWatermark);
    this.applyCommitted();
  }

  /** W9. */
  applyCommitted(): void {
    if (this.#phase.kind !== 'following') return;
    const core = this.#core;
    const target = Math.min(this.#committed, core.log.end);
    // A high watermark inside a batch of ours cannot be: the leader's is at a batch boundary, and the logs agree.
    if (target > core.highWatermark) core.advanceTo(target);
  }

  // --- installing a snapshot -------------------------------------------------------------------------------------------

  onOffer(message: Of<'snapshot-offer'>, context: PartitionContext): void {
    if (this.#phase.kind !== 'reconciling' && this.#phase.kind !== 'installing') return;
    const core = this.#core;
    const meta = decodeMeta(message.meta);
    if (this.#hasAgreed && meta.offset < core.log.end) return; // W5; the retry asks again
    if (this.#phase.kind === 'installing') {
      if (this.#phase.snapshot === message.snapshot) return;
      context.snapshots.abort();
    }
    if (meta.offset <= core.highWatermark && meta.lineage === core.lineage && core.highWatermark > 0) {
      // M11: never back in time. The leader's log starts above our end although we have committed as much: ask again.
      this.#phase = { kind: 'reconciling' };
      return;
    }
    if (!this.#localSnapshot.abort(context)) {
      sometimes('partition/install-waited-for-own-snapshot');
      return this.#decline(context); // N1
    }
    if (buggify('partition/decline-snapshot')) return this.#decline(context);
    this.#heardMs = context.nowMs;
    this.#phase = {
      kind: 'installing',
      snapshot: message.snapshot,
      meta,
      state: this.#newState(),
      index: 0,
      busy: false,
    };
    context.emit({
      kind: 'snapshot-install-started',
      level: 'info',
      partition: core.partition,
      from: this.leader,
      offset: meta.offset,
    });
    context.snapshots.begin(context.journal.nextLsn, message.meta, true);
    this.#wantChunk(context);
  }

  /** Asked again a while later: at once, the leader would offer again at once, and the two would talk without end. */
  #decline(context: PartitionContext): void {
    this.#phase = { kind: 'reconciling' };
    context.timers.start('retry', retryMs, { kind: 'retry' });
  }

  #wantChunk(context: PartitionContext): void {
    if (this.#phase.kind !== 'installing') return;
    const { snapshot, index } = this.#phase;
    const link = this.#core.linkTo(this.leader);
    const message = { kind: 'snapshot-wanted', link, snapshot, index, installed: false } as Of<'snapshot-wanted'>;
    context.send(this.#core.addressOf(this.leader), message);
    if (buggify('partition/want-chunk-twice')) context.send(this.#core.addressOf(this.leader), message);
  }

  onChunk(message: Of<'snapshot-chunk'>, context: PartitionContext): void {
    const phase = this.#phase;
    if (
      phase.kind !== 'installing' ||
      phase.busy ||
      message.snapshot !== phase.snapshot ||
      message.index !== phase.index
    )
      return;
    this.#heardMs = context.nowMs;
    if (message.last) {
      const { snapshot, meta, state, index } = phase;
      this.#core.switching = { snapshot, meta, state };
      this.#phase = { kind: 'switching', chunkCount: index };
      context.snapshots.commit({ kind: 'install-durable', snapshot });
      return;
    }
    phase.busy = true;
    phase.state.loadChunk(message.bytes);
    context.snapshots.append(message.bytes, {
      kind: 'install-accepted',
      snapshot: phase.snapshot,
      index: message.index,
    });
  }

  onInstallAccepted(message: Of<'install-accepted'>, context: PartitionContext): void {
    const phase = this.#phase;
    if (phase.kind !== 'installing' || phase.snapshot !== message.snapshot) return;
    phase.index = message.index + 1;
    phase.busy = false;
    this.#wantChunk(context);
  }

  /** The snapshot took the place of log and state. (W4) */
  onInstalled(snapshot: number, context: PartitionContext): void {
    assert(this.#phase.kind === 'switching', 'W4: a follower waits for the switch');
    const index = this.#phase.chunkCount;
    if (index !== undefined) {
      const link = this.#core.linkTo(this.leader);
      context.send(this.#core.addressOf(this.leader), {
        kind: 'snapshot-wanted',
        link,
        snapshot,
        index,
        installed: true,
      } as Of<'snapshot-wanted'>);
    }
    this.#reconcile(context);
  }
}
