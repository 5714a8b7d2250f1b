// Answering clients
// =============================================================================
//
// Writes go to the leader's log; reads are evaluated on the applied state and answered under the lease, or after a confirm round.
//
// Invariants
//   Q1. A refusal here means that nothing was appended for the request (R7), except `session-stale`, which says nothing of earlier attempts.
//   Q2. A linearizable read is evaluated first; the lease is checked after, with a clock read then (L2, decision 3).
//   Q3. A `session` or `stale` read is answered from what is applied here and labelled with it; a `session` read never from before its mark (R20, L8).

import type {
  ClientRequest,
  Mark,
  ReadItem,
  Refusal,
  WriteOp,
  WriteResult,
} from '../../messaging/protocol/client-messages.js';
import { limits } from '../../messaging/protocol/limits.js';
import { isClient } from '../../runtime/contract/address.js';
import { spaceLevel } from '../../runtime/contract/cells.js';
import type { Address } from '../../runtime/contract/address.js';
import type { Message } from '../../runtime/contract/actor.js';
import { leaseValid } from '../host/lease-cells.js';
import { Leading, leading } from './leading.js';
import type { Of, PartitionContext } from './partition-message.js';
import type { ReplicaCore } from './replica-core.js';
import type { Role } from './replica.js';
import { buggify, planted, sometimes } from '../../runtime/probes/probes.js';

/** Values in one answer to a read; more do not fit a frame together with the rest of it. */
const readBytesMax = limits.frameBytesMax - limits.valueBytesMax;
/** As if the thread had stood still for so long. */
const readPauseMs = 1000;
const tooLong = 'the values are too long for one answer: ask for fewer keys at once';

export class ClientRequests {
  readonly #core: ReplicaCore;
  readonly #role: () => Role;

  constructor(core: ReplicaCore, role: () => Role) {
    this.#core = core;
    this.#role = role;
  }

  onRequest(message: ClientRequest, from: Address, context: PartitionContext): void {
    if (!isClient(from)) return;
    if (message.kind === 'read' || message.kind === 'scan') {
      if (message.consistency !== 'linearizable') return this.#onWeakRead(message, from, context);
    }
    const role = this.#role();
    if (role.kind !== 'leader' || role.fenced) {
      if (role.kind === 'leader') sometimes('partition/fenced-leader-asked');
      const leader = role.kind === 'follower' ? role.leader : '';
      return this.#refuse(from, message.request, 'not-leader', leader, context);
    }
    if (!role.active) {
      if (buggify('partition/refuse-until-active') || !role.wait(message, from))
        this.#refuse(from, message.request, 'unavailable', 'the new leader is not ready', context);
      return;
    }
    switch (message.kind) {
      case 'write':
        return this.#onWrite(role, message, from, context);
      case 'open-session':
        return this.#onOpenSession(role, message, from, context);
      default:
        return this.#onRead(role, message, from, context);
    }
  }

  #refuse(to: Address, request: number, reason: Refusal, detail: string, context: PartitionContext): void {
    context.send(to, { kind: 'refused', request, partition: this.#core.partition, reason, detail } as Message);
  }

  // --- writes ---------------------------------------------------------------------------------------------------------

  /** R7: what must be refused is refused before anything is appended. @returns whether it was. */
  #refusedAppend(role: Leading, request: number, from: Address, context: PartitionContext): boolean {
    if (!role.enoughInSync) {
      sometimes('partition/too-few-in-sync');
      const detail = `fewer than ${this.#core.place().table.minInSync} replicas are in sync`;
      this.#refuse(from, request, 'unavailable', detail, context);
      return true;
    }
    if (spaceLevel(context.cells, this.#core.self.worker) !== 'enough') {
      sometimes('partition/disk-full');
      this.#refuse(from, request, 'capacity', 'the disk is full', context); // D14
      return true;
    }
    if (!role.hasRoom() || buggify('partition/refuse-for-capacity')) {
      this.#refuse(from, request, 'capacity', 'too many writes are waiting for their replicas', context);
      return true;
    }
    return false;
  }

  #onOpenSession(role: Leading, message: Of<'open-session'>, from: Address, context: PartitionContext): void {
    if (this.#refusedAppend(role, message.request, from, context)) return;
    if (
      this.#core.state.sessions.count >= limits.sessionCountMax - 64 &&
      !role.expireIdleSessions(leading.sessionIdleWhenFullMs, context)
    ) {
      return this.#refuse(from, message.request, 'capacity', 'too many sessions are open in this partition', context);
    }
    role.appendRequest(
      { kind: 'open-session', client: from.host.slice(0, 80) },
      from,
      message.request,
      undefined,
      context,
    );
  }

  #onWrite(role: Leading, message: Of<'write'>, from: Address, context: PartitionContext): void {
    const { sessions } = this.#core.state;
    if (message.ops.length === 0) return this.#refuse(from, message.request, 'invalid', 'no operations', context);
    if (!sessions.has(message.session))
      return this.#refuse(from, message.request, 'session-stale', 'no such session', context); // S5
    const fresh: WriteOp[] = [];
    let last = 0;
    const known: (WriteResult | undefined)[] = [];
    for (const op of message.ops) {
      // Ascending, so that a stale sequence comes before anything is executed at apply.
      if (op.sequence <= last) return this.#refuse(from, message.request, 'invalid', 'sequences must rise', context);
      last = op.sequence;
      // A shortcut only: the check that counts is at apply (S3).
      const verdict = sessions.judge(message.session, op.sequence);
      if (verdict.kind === 'stale')
        return this.#refuse(
          from,
          message.request,
          'session-stale',
          `sequence ${op.sequence} was answered long ago`,
          context,
        );
      // What the client says here of its answers is applied before its operations are: the window begins there (S6).
      const isBeyond = op.sequence > message.answeredThrough + limits.sessionWindowMax;
      if (verdict.kind === 'beyond' && isBeyond)
        return this.#refuse(from, message.request, 'invalid', `sequence ${op.sequence} is beyond the window`, context);
      known.push(verdict.kind === 'repeat' ? verdict.result : undefined);
      if (verdict.kind !== 'repeat') fresh.push(op);
    }
    if (fresh.length < message.ops.length) this.#noteRepeats(role, known);
    if (fresh.length === 0) {
      const results = known as readonly WriteResult[];
      context.send(
        from,
        role.receipt(message.request, results, Math.max(...results.map((result) => result.offset)) + 1),
      );
      return;
    }
    if (this.#refusedAppend(role, message.request, from, context)) return;
    const repeated = fresh.length === message.ops.length ? undefined : known;
    const body = {
      kind: 'writes' as const,
      session: message.session,
      answeredThrough: message.answeredThrough,
      ops: fresh,
    };
    role.appendRequest(body, from, message.request, repeated, context);
  }

  #noteRepeats(role: Leading, known: readonly (WriteResult | undefined)[]): void {
    sometimes('partition/write-deduplicated');
    const first = known.find((result) => result !== undefined)?.offset ?? 0;
    if (first < role.epochStart) sometimes('partition/write-deduplicated-after-failover');
    if (first < this.#core.loadedEnd) sometimes('partition/write-deduplicated-from-snapshot');
  }

  // --- reads ----------------------------------------------------------------------------------------------------------

  /** The answer as of now, or undefined when it would be longer than a frame may be. */
  #evaluate(message: Of<'read' | 'scan'>): Message | undefined {
    const core = this.#core;
    const mark: Mark = { lineage: core.lineage, offset: core.highWatermark };
    if (message.kind === 'read') {
      const items: (ReadItem | undefined)[] = [];
      let bytes = 0;
      for (const key of message.keys) {
        const item = core.state.get(key);
        bytes += item?.value.length ?? 0;
        if (bytes > readBytesMax) return undefined;
        items.push(item);
      }
      return { kind: 'read-done', request: message.request, partition: core.partition, mark, items } as Of<never>;
    }
    const limit = buggify('partition/short-page') ? 1 : Math.min(message.limit, limits.pageCountMax);
    const bytesMax = Math.min(message.bytesMax, limits.pageBytesMax);
    const { start, end, reverse } = message;
    const { items, more } = core.state.scan({ start, end, reverse, limit, bytesMax });
    return { kind: 'scan-done', request: message.request, partition: core.partition, mark, items, more } as Of<never>;
  }

  #onRead(role: Leading, message: Of<'read' | 'scan'>, from: Address, context: PartitionContext): void {
    const reply = this.#evaluate(message);
    if (reply === undefined) return this.#refuse(from, message.request, 'capacity', tooLong, context);
    const { table } = this.#core.place();
    if (table.reads === 'lease' && !buggify('partition/confirm-though-leased')) {
      const { worker } = this.#core.self;
      const pauseMs = buggify('partition/pause-after-evaluating') ? readPauseMs : 0;
      const nowMs = planted('PB16') ? context.nowMs : context.readClockMs() + pauseMs;
      if (leaseValid(context.cells, worker, nowMs)) return context.send(from, reply); // Q2
      if (leaseValid(context.cells, worker, context.nowMs)) sometimes('partition/lease-lapsed-after-evaluating');
    }
    if (!role.rounds.add(from, message.request, reply, role.maximal(), role.enoughInSync, context)) {
      this.#refuse(from, message.request, 'capacity', 'too many reads are waiting', context);
    }
    role.keepTicking(context);
  }

  #onWeakRead(message: Of<'read' | 'scan'>, from: Address, context: PartitionContext): void {
    const core = this.#core;
    const role = this.#role();
    if (role.kind === 'quarantined' || core.placement === undefined)
      return this.#refuse(from, message.request, 'unavailable', 'this replica has no state to show', context);
    const { mark } = message;
    if (
      message.consistency === 'session' &&
      mark.offset > 0 &&
      (mark.lineage !== core.lineage || core.highWatermark < mark.offset || buggify('partition/behind-though-not'))
    ) {
      if (core.highWatermark < mark.offset) sometimes('partition/session-read-behind');
      return this.#refuse(
        from,
        message.request,
        'behind',
        `applied to ${core.highWatermark}, ${mark.offset} wanted`,
        context,
      ); // Q3
    }
    const reply = this.#evaluate(message);
    if (reply === undefined) return this.#refuse(from, message.request, 'capacity', tooLong, context);
    context.send(from, reply);
  }
}
