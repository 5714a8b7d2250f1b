// Many deadlines, one timer
// =============================================================================
//
// Deadlines are kept in buckets of a few milliseconds; adding and removing one costs a set operation, and a bucket is
// looked at once. Nothing is early; it may be late by a bucket.
//
// Invariants
//   W1. An item is given out at most once, never before its time, and not at all after it was removed.

import { Heap } from '../../../runtime/std/heap.js';

const bucketMs = 8;

export class DeadlineWheel<T> {
  readonly #buckets = new Map<number, Set<T>>();
  readonly #order = new Heap<number>((a, b) => a < b);

  /** @returns the bucket, to be given to `remove`. */
  add(item: T, atMs: number): number {
    const bucket = Math.ceil(atMs / bucketMs); // W1: rounded up
    const items = this.#buckets.get(bucket);
    if (items !== undefined) items.add(item);
    else {
      this.#buckets.set(bucket, new Set([item]));
      this.#order.push(bucket);
    }
    return bucket;
  }

  /** Unknown items are ignored. */
  remove(item: T, bucket: number): void {
    this.#buckets.get(bucket)?.delete(item);
  }

  /** When something may be due; undefined when there is nothing. Buckets that were emptied are dropped on the way. */
  nextMs(): number | undefined {
    for (let first = this.#order.peek(); first !== undefined; first = this.#order.peek()) {
      if (this.#buckets.get(first)?.size !== 0) return first * bucketMs;
      this.#buckets.delete(first);
      this.#order.pop();
    }
    return undefined;
  }

  /** Takes everything due by `nowMs`. */
  takeDue(nowMs: number): T[] {
    const due: T[] = [];
    for (let at = this.nextMs(); at !== undefined && at <= nowMs; at = this.nextMs()) {
      const bucket = this.#order.pop() as number;
      for (const item of this.#buckets.get(bucket) ?? []) due.push(item);
      this.#buckets.delete(bucket);
    }
    return due;
  }
}
