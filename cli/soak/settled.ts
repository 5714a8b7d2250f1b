// What is known for certain after a cycle, and must stay so
// =============================================================================
//
// Nobody writes a cycle's keys after it. So every key whose writes all have a known outcome holds what was read at the end of its cycle, for
// ever: version and value. Keys with a write of unknown outcome are left out, since such a write may still take effect.

import type { Entry, HeldItem } from '../../messaging/workload/history.js';
import type { ReadBack } from '../load/read-back.js';

export class Settled {
  readonly #items = new Map<string, HeldItem | undefined>();
  #unsure = 0;

  get size(): number {
    return this.#items.size;
  }

  /** Keys left out. */
  get unsure(): number {
    return this.#unsure;
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
    for (const key of keys) {
      const item = byKey.get(key);
      if (unsure.has(key) || item === 'unread') this.#unsure++;
      else this.#items.set(key, item);
    }
  }

  keys(): string[] {
    return [...this.#items.keys()];
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
