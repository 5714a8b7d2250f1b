// Requests that are answered only after a round of the group
// =============================================================================
//
// Heartbeats and epoch confirmations that arrived since the last round began share the next one. A round that was begun before a request
// arrived never serves it (M10): at most one is under way, and what comes meanwhile waits for the next.
//
// Invariants
//   L1. A heartbeat is answered only after a round of this term that began after it arrived, one round per batch.
//   X10. One heartbeat a host waits: a later one replaces it. At most `waitingCountMax` confirmations wait; more are not answered.

import type { Address } from '../../runtime/contract/address.js';
import type { Of } from './metadata-message.js';
import type { RaftPeer } from './raft/peer.js';
import { buggify } from '../../runtime/probes/probes.js';

export const waitingCountMax = 4096;

export interface Linearized {
  readonly heartbeats: ReadonlyMap<string, { readonly message: Of<'heartbeat'>; readonly from: Address }>;
  readonly confirmations: readonly { readonly message: Of<'confirm-epoch'>; readonly from: Address }[];
}

export class LinearizedRequests {
  #heartbeats = new Map<string, { readonly message: Of<'heartbeat'>; readonly from: Address }>();
  #confirmations: { readonly message: Of<'confirm-epoch'>; readonly from: Address }[] = [];
  #round: { readonly request: number; readonly batch: Linearized } | undefined;

  addHeartbeat(message: Of<'heartbeat'>, from: Address): void {
    this.#heartbeats.set(message.host, { message, from });
  }

  addConfirmation(message: Of<'confirm-epoch'>, from: Address): void {
    if (this.#confirmations.length < waitingCountMax) this.#confirmations.push({ message, from });
  }

  /** Begins a round for what waits, unless one is under way. REQUIRES to be called when a turn ends. */
  begin(peer: RaftPeer): void {
    if (this.#round !== undefined || !peer.isReady) return;
    if (this.#heartbeats.size === 0 && this.#confirmations.length === 0) return;
    if (buggify('metadata/begin-round-later')) return;
    const asked = peer.readIndex();
    if (!asked.accepted) return;
    this.#round = {
      request: asked.request,
      batch: { heartbeats: this.#heartbeats, confirmations: this.#confirmations },
    };
    this.#heartbeats = new Map();
    this.#confirmations = [];
  }

  /** The round of `request` is over: what it served, or undefined when it is not ours. */
  take(request: number): Linearized | undefined {
    if (this.#round?.request !== request) return undefined;
    const { batch } = this.#round;
    this.#round = undefined;
    return batch;
  }

  /** Nobody is answered: whoever asked will ask the next leader. */
  abandon(): void {
    this.#round = undefined;
    this.#heartbeats = new Map();
    this.#confirmations = [];
  }
}
