// The history of a load that is larger than memory: whole keys are left out, never parts of one
// =============================================================================
//
// Notes every operation of every key until it holds its maximum; then it forgets half of the keys, by their hash, with all that it knew of
// them, and goes on with the others. So whatever is left can be judged as if it were all there was.
//
// Owns:     the entries.
// Does not: judge them (verdict.ts).
//
// Invariants
//   H1. Of a key that is sampled every operation is there from the first on; of any other key none.
//   H2. It never holds more than its maximum of entries.

import { assert } from '../../runtime/std/assert.js';
import type { Asked, Entry, Told } from './history.js';

type OfKey = Exclude<Asked, { readonly kind: 'scan' }>;

const depthMax = 32;

export class SampledHistory {
  readonly #byKey = new Map<string, Entry[]>();
  readonly #entriesMax: number;
  readonly #nowMs: () => number;
  #moment = 0;
  #count = 0;
  /** So many low bits of a key's hash must be zero. */
  #depth = 0;
  #operations = 0;

  /** @param nowMs one clock for all clients; only for people */
  constructor(entriesMax: number, nowMs: () => number) {
    assert(entriesMax > 0, 'H2: a maximum is above zero');
    this.#entriesMax = entriesMax;
    this.#nowMs = nowMs;
  }

  /** Operations that it was told of, noted or not. */
  get operations(): number {
    return this.#operations;
  }

  get entryCount(): number {
    return this.#count;
  }

  /** The share of all keys that is noted: 1, 1/2, 1/4, … */
  get share(): number {
    return 2 ** -this.#depth;
  }

  /** A new array, in the order of the calls. */
  get entries(): Entry[] {
    return [...this.#byKey.values()].flat().sort((a, b) => a.calledAt - b.calledAt);
  }

  /** The keys noted. */
  *keys(): Generator<{ readonly table: string; readonly key: string }, void, undefined> {
    for (const [first] of this.#byKey.values())
      if (first !== undefined) yield { table: first.table, key: (first.asked as OfKey).key };
  }

  /** To be called before the operation is sent. @returns undefined when the key is not sampled */
  call(client: string, table: string, asked: OfKey): Entry | undefined {
    this.#operations++;
    const id = `${table}\n${asked.key}`;
    if (!this.#isSampled(id)) return undefined; // H1
    while (this.#count >= this.#entriesMax && this.#depth < depthMax) this.#halve(); // H2
    if (!this.#isSampled(id)) return undefined;
    const entry: Entry = {
      client,
      table,
      asked,
      calledAt: this.#moment++,
      calledMs: this.#nowMs(),
      returnedAt: Number.POSITIVE_INFINITY,
      returnedMs: Number.POSITIVE_INFINITY,
      told: undefined,
    };
    const known = this.#byKey.get(id);
    if (known === undefined) this.#byKey.set(id, [entry]);
    else known.push(entry);
    this.#count++;
    return entry;
  }

  return(entry: Entry | undefined, told: Told): void {
    if (entry === undefined) return;
    assert(entry.told === undefined, 'one outcome an operation');
    entry.told = told;
    entry.returnedAt = this.#moment++;
    entry.returnedMs = this.#nowMs();
  }

  /** For what is noted only once it is known what was seen, such as the items of a range: begins now, counts as begun then. */
  moment(): number {
    return this.#moment++;
  }

  /** A read that began at `calledAt` (of `moment`) and has returned now. */
  noteRead(client: string, table: string, asked: OfKey, calledAt: number, told: Told): void {
    const entry = this.call(client, table, asked);
    if (entry === undefined) return;
    const list = this.#byKey.get(`${table}\n${asked.key}`) as Entry[];
    assert(calledAt <= entry.calledAt, 'a read returns after it began');
    const earlier: Entry = { ...entry, calledAt };
    list[list.length - 1] = earlier;
    this.return(earlier, told);
  }

  #isSampled(id: string): boolean {
    return this.#depth === 0 || hashOf(id) % 2 ** this.#depth === 0;
  }

  #halve(): void {
    this.#depth++;
    for (const [id, entries] of this.#byKey) {
      if (this.#isSampled(id)) continue;
      this.#byKey.delete(id);
      this.#count -= entries.length;
    }
  }
}

/** FNV-1a and a final mix, so that its low bits depend on every character. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return (hash ^ (hash >>> 15)) >>> 0;
}
