// Commands on their way through the log, and who waits for them
// =============================================================================
//
// Commands that may elect go one at a time: the next is made only when the one before was applied, so that its holds are computed from
// the map it will be applied to (X1). All others are pipelined.
//
// Invariants
//   X7. Every request is answered once: by its outcome, or as unknown when this member stops leading with it under way.
//   X8. What takes effect is judged by index *and* term: another term at that index means that it did not (M7).
//   X9. At most `queuedCountMax` requests wait for their turn; more are dropped, and asked again by whoever cares.

import { sometimes } from '../../runtime/probes/probes.js';
import { Queue } from '../../runtime/std/queue.js';
import { encodeCommand, type MetadataCommand } from './state/command.js';
import type { Outcome } from './state/outcome.js';
import type { MetadataContext } from './metadata-message.js';
import type { RaftPeer } from './raft/peer.js';

/** `lost`: it certainly did not take effect. `unknown`: nobody can say. */
export type Verdict = Outcome | { readonly kind: 'lost' } | { readonly kind: 'unknown' };

export type Answer = (verdict: Verdict, context: MetadataContext) => void;

export interface ElectingRequest {
  /** Two requests of one key are one: the later counts. */
  readonly key: string;
  /** Made when its turn comes; undefined when it has become pointless. */
  readonly command: (nowMs: number) => MetadataCommand | undefined;
  readonly answer: Answer;
}

export const queuedCountMax = 4096;

interface Pending {
  readonly term: number;
  readonly elects: boolean;
  readonly answer: Answer;
}

export class Proposals {
  readonly #pending = new Map<number, Pending>();
  readonly #queue = new Queue<string>();
  readonly #queued = new Map<string, ElectingRequest>();
  #electing: number | undefined;

  /** A command that may elect is under way: leases must not be granted now (L5). */
  get isElecting(): boolean {
    return this.#electing !== undefined;
  }

  get size(): number {
    return this.#pending.size + this.#queued.size;
  }

  /** Proposes at once. @returns why not, when it was refused. */
  propose(peer: RaftPeer, command: MetadataCommand, answer: Answer): string | undefined {
    return this.#propose(peer, command, answer, false);
  }

  /** Waits for its turn. False when there is no room (X9). */
  enqueue(request: ElectingRequest): boolean {
    if (!this.#queued.has(request.key)) {
      if (this.#queued.size >= queuedCountMax) return false;
      this.#queue.push(request.key);
    }
    this.#queued.set(request.key, request);
    return true;
  }

  /** Proposes the next that waits, else what `otherwise` decides; nothing while one is under way (X1). */
  pump(peer: RaftPeer, otherwise: () => MetadataCommand | undefined, context: MetadataContext): void {
    while (this.#electing === undefined) {
      const key = this.#queue.shift();
      if (key === undefined) break;
      const request = this.#queued.get(key);
      this.#queued.delete(key);
      const command = request?.command(context.nowMs);
      if (request === undefined || command === undefined) continue;
      if (this.#propose(peer, command, request.answer, true) !== undefined) request.answer({ kind: 'lost' }, context);
    }
    if (this.#electing !== undefined) return;
    const command = otherwise();
    if (command !== undefined) this.#propose(peer, command, () => undefined, true);
  }

  /** An entry was applied. REQUIRES to be called for each, in order. */
  applied(index: number, term: number, outcome: Outcome | undefined, context: MetadataContext): void {
    const pending = this.#pending.get(index);
    if (pending === undefined) return;
    this.#pending.delete(index);
    if (pending.elects) this.#electing = undefined;
    pending.answer(pending.term === term && outcome !== undefined ? outcome : { kind: 'lost' }, context); // X8
  }

  /** This member does not lead any more (X7). */
  abandon(context: MetadataContext): void {
    if (this.#electing !== undefined) sometimes('metadata/controller-changed-during-election');
    const pending = [...this.#pending.values()];
    const queued = [...this.#queued.values()];
    this.#pending.clear();
    this.#queued.clear();
    this.#queue.clear();
    this.#electing = undefined;
    for (const { answer } of pending) answer({ kind: 'unknown' }, context);
    for (const { answer } of queued) answer({ kind: 'lost' }, context);
  }

  #propose(peer: RaftPeer, command: MetadataCommand, answer: Answer, elects: boolean): string | undefined {
    const proposed = peer.propose([encodeCommand(command)]);
    if (!proposed.accepted) return proposed.reason;
    this.#pending.set(proposed.index, { term: proposed.term, elects, answer });
    if (elects) this.#electing = proposed.index;
    return undefined;
  }
}
