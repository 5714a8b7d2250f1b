// The leader's side of giving a follower a snapshot
// =============================================================================
//
// A follower whose log ends below ours starts cannot be served from the log. It gets the state as it is now, chunk by chunk, each asked
// for; the records after it come from the log as to any follower.
//
// Invariants
//   T1. One transfer at a time; its number is never used again, so chunks of two transfers never mix (M11).
//   T2. The state read is that of one offset, however long the transfer takes (the engine copies on write).
//   T3. A transfer whose follower has been silent for `silentMaxMs` ends and frees what it holds.

import type { Of, PartitionContext } from './partition-message.js';
import { encodeMeta } from './record.js';
import type { ReplicaCore } from './replica-core.js';
import type { StateReader } from './state.js';
import { buggify, sometimes } from '../../runtime/probes/probes.js';

const silentMaxMs = 10_000;

interface Transfer {
  readonly host: string;
  readonly number: number;
  readonly reader: StateReader;
  /** Of the leader when it was begun. */
  readonly logEnd: number;
  /** The chunk at `index`, kept until the next one is asked for: the answer may be lost. */
  index: number;
  chunk: Uint8Array | undefined;
  heardAtMs: number;
}

export class SnapshotTransfer {
  readonly #core: ReplicaCore;
  #transfer: Transfer | undefined;
  #counter = 0;

  constructor(core: ReplicaCore) {
    this.#core = core;
  }

  get isIdle(): boolean {
    return this.#transfer === undefined;
  }

  /** Offers a snapshot, unless another follower is being served or the state is being read for the disk: it will ask again. */
  offer(host: string, context: PartitionContext): void {
    const core = this.#core;
    if (this.#transfer !== undefined && this.#transfer.host !== host) return sometimes('partition/two-want-a-snapshot'); // T1
    this.end();
    const meta = encodeMeta(core.state.meta(core.lineage, core.highWatermark, core.timeMs, core.log.epochs.entries()));
    const reader = core.state.beginRead();
    if (reader === undefined) return;
    const number = context.journal.nextLsn * 1024 + (++this.#counter % 1024);
    const logEnd = core.log.end;
    this.#transfer = { host, number, reader, logEnd, index: -1, chunk: undefined, heardAtMs: context.nowMs };
    context.emit({
      kind: 'snapshot-offered',
      level: 'info',
      partition: core.partition,
      to: host,
      offset: core.highWatermark,
    });
    context.send(core.addressOf(host), {
      kind: 'snapshot-offer',
      link: core.linkTo(host),
      snapshot: number,
      meta,
    } as Of<'snapshot-offer'>);
  }

  onWanted(message: Of<'snapshot-wanted'>, host: string, context: PartitionContext): void {
    const transfer = this.#transfer;
    if (transfer === undefined || transfer.host !== host || transfer.number !== message.snapshot) return; // T1
    transfer.heardAtMs = context.nowMs;
    if (message.installed) {
      if (this.#core.log.end > transfer.logEnd) sometimes('partition/snapshot-installed-during-appends');
      this.end();
      return;
    }
    if (message.index === transfer.index + 1 && (transfer.index === -1 || transfer.chunk !== undefined)) {
      transfer.index = message.index;
      const { chunkBytesMax } = this.#core.limits;
      transfer.chunk = transfer.reader.next(buggify('partition/small-chunks') ? chunkBytesMax >> 3 : chunkBytesMax);
    } else if (message.index !== transfer.index) return;
    const bytes = transfer.chunk ?? new Uint8Array(0);
    const link = this.#core.linkTo(host);
    const last = transfer.chunk === undefined;
    context.send(this.#core.addressOf(host), {
      kind: 'snapshot-chunk',
      link,
      snapshot: transfer.number,
      index: transfer.index,
      last,
      bytes,
    } as Of<'snapshot-chunk'>);
  }

  /** The follower speaks of its log again: it has no use for the transfer any more. */
  endFor(host: string): void {
    if (this.#transfer?.host === host) this.end();
  }

  onTick(context: PartitionContext): void {
    const patienceMs = buggify('partition/end-transfer-early') ? silentMaxMs / 100 : silentMaxMs;
    if (this.#transfer === undefined || context.nowMs - this.#transfer.heardAtMs <= patienceMs) return;
    sometimes('partition/transfer-given-up');
    this.end(); // T3
  }

  end(): void {
    this.#transfer?.reader.release();
    this.#transfer = undefined;
  }
}
