// The timers of a loop
// =============================================================================
//
// A heap by (due time, sequence). Cancelled and replaced timers stay in it until due and are told apart by generation:
// the actor's table says which generation of a key is alive (A4).

import { Heap } from '../std/heap.js';
import type { Message } from '../contract/actor.js';
import type { ActorCell, RunningPhase } from './cell.js';

interface Timer {
  readonly atMs: number;
  readonly sequence: number;
  readonly cell: ActorCell;
  readonly phase: RunningPhase;
  readonly key: string;
  readonly generation: number;
  readonly message: Message;
}

export class TimerWheel {
  readonly #heap = new Heap<Timer>((a, b) => (a.atMs !== b.atMs ? a.atMs < b.atMs : a.sequence < b.sequence));
  #sequence = 0;

  start(cell: ActorCell, phase: RunningPhase, key: string, atMs: number, message: Message): void {
    const sequence = this.#sequence++;
    phase.timers.set(key, sequence);
    this.#heap.push({ atMs, sequence, cell, phase, key, generation: sequence, message });
  }

  cancel(phase: RunningPhase, key: string): void {
    phase.timers.delete(key);
  }

  /** When the next timer may be due; undefined when there is none. Cancelled ones are skipped. */
  nextMs(): number | undefined {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined) return undefined;
      if (isAlive(first)) return first.atMs;
      this.#heap.pop();
    }
  }

  /** Takes the next timer due by `nowMs`, or undefined. */
  takeDue(nowMs: number):
    | {
        readonly cell: ActorCell;
        readonly message: Message;
        readonly phase: RunningPhase;
        readonly key: string;
        readonly generation: number;
      }
    | undefined {
    const atMs = this.nextMs();
    if (atMs === undefined || atMs > nowMs) return undefined;
    return this.#heap.pop();
  }
}

/** A timer is received only if nobody cancelled or replaced it since, and its incarnation still runs. */
export function isAlive(timer: {
  readonly cell: ActorCell;
  readonly phase: RunningPhase;
  readonly key: string;
  readonly generation: number;
}): boolean {
  return timer.cell.phase === timer.phase && timer.phase.timers.get(timer.key) === timer.generation;
}
