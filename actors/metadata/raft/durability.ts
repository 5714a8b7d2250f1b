// Persist before speak
// =============================================================================
//
// Every record handed out for the journal has a token; tokens become durable in order. What may be said only then waits here.
//
// Invariants
//   V1. A message that depends on term, vote or entries leaves only when every record up to the change is durable (M6).
//   V2. durableIndex never exceeds what the disk holds of the *present* log: a truncation takes it back at once, and a
//       completion that was under way then cannot raise it again over entries that are gone.
//   V3. Held messages are bounded; the newest are dropped, as a bad network would.
//
// Sources: Ongaro's dissertation 3.8 and 10.2.1; etcd-io/raft `msgsAfterAppend`.

import { assert } from '../../../runtime/std/assert.js';
import { Queue } from '../../../runtime/std/queue.js';
import type { RaftMessage } from '../../../messaging/protocol/raft-messages.js';

interface Mark {
  readonly token: number;
  /** The log is durable up to here once `token` is; mutable, see V2. */
  index: number;
  readonly handedOutMs: number;
}

export class Durability {
  #lastToken = 0;
  #persistedToken = 0;
  #durableIndex: number;
  readonly #marks = new Queue<Mark>();
  readonly #held = new Queue<{ readonly token: number; readonly message: RaftMessage }>();
  readonly #heldCountMax: number;

  constructor(durableIndex: number, heldCountMax: number) {
    this.#durableIndex = durableIndex;
    this.#heldCountMax = heldCountMax;
  }

  /** The newest token handed out. */
  get lastToken(): number {
    return this.#lastToken;
  }

  get persistedToken(): number {
    return this.#persistedToken;
  }

  /** Since when the disk has not said that it has the oldest record it was given; undefined when it has all. */
  get waitingSinceMs(): number | undefined {
    return this.#marks.peek()?.handedOutMs;
  }

  /** Our own disk has the present log up to here. */
  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** A record was handed out, after which the disk's log ends at `index`. Gives its token. */
  handOut(index: number, nowMs: number): number {
    this.#marks.push({ token: ++this.#lastToken, index, handedOutMs: nowMs });
    return this.#lastToken;
  }

  /** The log was cut after `index`. */
  truncated(index: number): void {
    this.#durableIndex = Math.min(this.#durableIndex, index);
    for (let i = 0; i < this.#marks.size; i++) {
      const mark = this.#marks.at(i);
      if (mark !== undefined) mark.index = Math.min(mark.index, index); // V2
    }
  }

  /** A durable snapshot holds everything up to `index`. */
  covered(index: number): void {
    this.#durableIndex = Math.max(this.#durableIndex, index);
  }

  /** Gives the messages that may leave now. */
  persisted(token: number): RaftMessage[] {
    assert(token <= this.#lastToken, 'M6: only what was handed out becomes durable');
    this.#persistedToken = Math.max(this.#persistedToken, token);
    for (let mark = this.#marks.peek(); mark !== undefined && mark.token <= token; mark = this.#marks.peek()) {
      this.#durableIndex = Math.max(this.#durableIndex, mark.index);
      this.#marks.shift();
    }
    const released: RaftMessage[] = [];
    // Not strictly in order of tokens: what depends on the term only may stand behind what depends on later entries.
    for (let left = this.#held.size; left > 0; left--) {
      const held = this.#held.shift();
      if (held === undefined) break;
      if (held.token <= token) released.push(held.message);
      else this.#held.push(held);
    }
    return released;
  }

  /** False when `token` is durable already, and the message may leave now (V1). */
  hold(message: RaftMessage, token: number): boolean {
    if (token <= this.#persistedToken) return false;
    if (this.#held.size < this.#heldCountMax) this.#held.push({ token, message }); // V3
    return true;
  }
}
