// Events on their way to the main thread
// =============================================================================
//
// Collected for a moment and posted together. Bounded: beyond the maximum new ones are counted, and the count is told.

import type { EmittedEvent } from '../contract/events.js';

const collectMs = 20;
const eventCountMax = 1000;

export class EventBatch {
  readonly #post: (events: readonly EmittedEvent[]) => void;
  #events: EmittedEvent[] = [];
  #dropped = 0;
  #timeout: NodeJS.Timeout | undefined;

  constructor(post: (events: readonly EmittedEvent[]) => void) {
    this.#post = post;
  }

  add(event: EmittedEvent): void {
    if (this.#events.length >= eventCountMax) {
      this.#dropped++;
      return;
    }
    this.#events.push(event);
    this.#timeout ??= setTimeout(() => this.flush(), collectMs);
  }

  /** Posts now: before the thread ends. */
  flush(): void {
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
    const last = this.#events.at(-1);
    if (last === undefined) return;
    if (this.#dropped > 0) {
      this.#events.push({ ...last, event: { kind: 'events-dropped', level: 'warn', count: this.#dropped } });
      this.#dropped = 0;
    }
    const events = this.#events;
    this.#events = [];
    this.#post(events);
  }
}
