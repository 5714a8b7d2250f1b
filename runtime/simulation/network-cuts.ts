// Which nodes cannot hear which
// =============================================================================
//
// A cut is one-way: from one node to another. Partitions and isolation are sets of cuts. Cuts of different faults add up, and
// each ends by itself.

import { assert } from '../std/assert.js';

/** Ends the cut it belongs to; a second call does nothing. */
export type Heal = () => void;

const nodeCountMax = 4096;

export class NetworkCuts {
  readonly #depths = new Map<number, number>();

  /** @returns whether nothing is cut at all. */
  get none(): boolean {
    return this.#depths.size === 0;
  }

  isCut(from: number, to: number): boolean {
    return this.#depths.size !== 0 && this.#depths.has(from * nodeCountMax + to);
  }

  /** Cuts every way from one of `from` to one of `to`. */
  cut(from: readonly number[], to: readonly number[]): Heal {
    const keys: number[] = [];
    for (const a of from) {
      for (const b of to) {
        assert(a < nodeCountMax && b < nodeCountMax, 'a simulated network has at most 4096 nodes');
        if (a !== b) keys.push(a * nodeCountMax + b);
      }
    }
    for (const key of keys) this.#depths.set(key, (this.#depths.get(key) ?? 0) + 1);
    let healed = false;
    return () => {
      if (healed) return;
      healed = true;
      for (const key of keys) this.#lift(key);
    };
  }

  /** Ends all cuts among these; cuts to and from others stay. */
  clearAmong(nodes: readonly number[]): void {
    for (const a of nodes) for (const b of nodes) this.#depths.delete(a * nodeCountMax + b);
  }

  /** Ends all cuts. Their own `heal` does no harm afterwards. */
  clear(): void {
    this.#depths.clear();
  }

  #lift(key: number): void {
    const depth = this.#depths.get(key);
    if (depth === undefined) return;
    if (depth === 1) this.#depths.delete(key);
    else this.#depths.set(key, depth - 1);
  }
}
