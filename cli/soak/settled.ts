// What is known for certain after a cycle, and must stay so
// =============================================================================
//
// Nobody writes a cycle's keys after it. So every key whose writes all have a known outcome holds what was read at the end of its cycle, for
// ever: version and value. A write of unknown outcome may still take effect; what was asked of its key is kept, and judged again with the last
// read of all.

import type { Asked, Entry, HeldItem, Told } from '../../messaging/workload/history.js';
import { judgeHistory, type Verdict } from '../../messaging/workload/verdict.js';
import type { ReadBack } from '../load/read-back.js';

/** Operations kept of unsure keys; beyond it the keys of later cycles are left out, and counted. */
const unsureEntriesMax = 500_000;

export class Settled {
  readonly #items = new Map<string, HeldItem | undefined>();
  readonly #unsureEntries: Entry[] = [];
  readonly #unsureKeys = new Set<string>();
  #left = 0;
  /** Of the moments of the histories so far: those of a cycle come after those of the one before. */
  #moment = 0;

  get size(): number {
    return this.#items.size;
  }

  /** Keys with a write of unknown outcome. */
  get unsure(): number {
    return this.#unsureKeys.size;
  }

  /** Keys of which nothing is known any more. */
  get left(): number {
    return this.#left;
  }

  add(entries: readonly Entry[], back: ReadBack): void {
    const unsure = new Set<string>();
    const keys = new Set<string>();
    for (const { asked, told } of entries) {
      if (asked.kind === 'scan') continue;
      keys.add(asked.key);
      if (asked.kind !== 'get' && (told === undefined || told.kind === 'unknown')) unsure.add(asked.key);
    }
    const byKey = new Map([...back].map(([id, item]) => [id.slice(id.indexOf('\n') + 1), item] as const));
    const isKept = this.#unsureEntries.length + entries.length <= unsureEntriesMax;
    for (const key of keys) {
      const item = byKey.get(key);
      if (unsure.has(key) && isKept) this.#unsureKeys.add(key);
      else if (unsure.has(key) || item === 'unread') this.#left++;
      else this.#items.set(key, item);
    }
    const from = this.#moment;
    for (const entry of entries) {
      const { asked, calledAt, returnedAt } = entry;
      this.#moment = Math.max(
        this.#moment,
        from + calledAt + 1,
        Number.isFinite(returnedAt) ? from + returnedAt + 1 : 0,
      );
      if (asked.kind !== 'scan' && this.#unsureKeys.has(asked.key))
        this.#unsureEntries.push({ ...entry, calledAt: from + calledAt, returnedAt: from + returnedAt });
    }
  }

  /** All that can be read again. */
  keys(): string[] {
    return [...this.#items.keys(), ...this.#unsureKeys];
  }

  isUnsure(key: string): boolean {
    return this.#unsureKeys.has(key);
  }

  /** Judges the unsure keys again, with what they hold now. @param table their table @param isOver whether the time is up */
  judgeUnsure(
    table: string,
    now: ReadonlyMap<string, HeldItem | undefined>,
    isOver: () => boolean,
    stepsPerKeyMax: number,
  ): Verdict {
    const reads = [...now].map(([key, item], i): Entry => {
      const asked: Asked = { kind: 'get', key, consistency: 'linearizable' };
      const told: Told = { kind: 'got', item };
      const calledAt = this.#moment + 2 * i;
      return { client: 'last', table, asked, told, calledAt, returnedAt: calledAt + 1, calledMs: 0, returnedMs: 0 };
    });
    return judgeHistory([...this.#unsureEntries, ...reads], {
      finally: (_, key) => (now.has(key) ? now.get(key) : 'unread'),
      isOver,
      stepsPerKeyMax,
    });
  }

  /** @returns what is wrong with the key, if it holds that now */
  difference(key: string, now: HeldItem | undefined): string | undefined {
    const then = this.#items.get(key);
    if (then === undefined && now === undefined) return undefined;
    if (then === undefined) return `${key} was absent and is ${format(now)}`;
    if (now === undefined) return `${key} was ${format(then)} and is lost`;
    if (then.value === now.value && then.version === now.version) return undefined;
    return `${key} was ${format(then)} and is ${format(now)}`;
  }
}

function format(item: HeldItem | undefined): string {
  return item === undefined ? 'absent' : `${String(item.value).slice(0, 60)} (version ${item.version})`;
}
