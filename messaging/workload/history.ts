// What clients asked, when, and what they were told
// =============================================================================
//
// One entry an operation, with the moments of call and return as numbers of one global order, so that "returned before that one was called"
// is a comparison. Outcomes are the three of CORRECTNESS §2.0.
//
// Owns:     the entries.
// Does not: judge them (ledger.ts, linearizability.ts, session-order.ts).

import { assert } from '../../runtime/std/assert.js';
import type { Consistency, WriteStatus } from '../protocol/client-messages.js';

/** Values of a workload: texts that no two puts share, and numbers. */
export type Held = string | number;

export interface HeldItem {
  readonly value: Held;
  readonly version: number;
}

export type Asked =
  | { readonly kind: 'put'; readonly key: string; readonly value: Held; readonly ifVersion: number | undefined }
  | { readonly kind: 'delete'; readonly key: string; readonly ifVersion: number | undefined }
  | { readonly kind: 'increment'; readonly key: string; readonly by: number }
  | { readonly kind: 'get'; readonly key: string; readonly consistency: Consistency }
  /** One partition, or what of it comes after a key; `reverse`: before it, downwards. Without a limit, all of it. */
  | {
      readonly kind: 'scan';
      readonly partition: number;
      readonly consistency: Consistency;
      readonly after?: string;
      readonly reverse?: boolean;
      readonly limit?: number;
    };

export type Told =
  | {
      readonly kind: 'written';
      readonly status: WriteStatus;
      readonly version: number;
      /** Of an increment. */
      readonly value: Held | undefined;
      readonly partition: number;
      readonly lineage: number;
      readonly epoch: number;
      readonly offset: number;
    }
  /** `partition`: who answered, when that is known. */
  | { readonly kind: 'got'; readonly item: HeldItem | undefined; readonly partition?: number }
  | { readonly kind: 'scanned'; readonly items: ReadonlyMap<string, HeldItem>; readonly more: boolean }
  /** No effect, now or ever (R7). */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'unknown' };

export interface Entry {
  readonly client: string;
  readonly table: string;
  readonly asked: Asked;
  readonly calledAt: number;
  readonly calledMs: number;
  /** Infinity while there is no answer. */
  returnedAt: number;
  returnedMs: number;
  /** Undefined: no answer yet. */
  told: Told | undefined;
}

export class History {
  readonly #entries: Entry[] = [];
  readonly #nowMs: () => number;
  #moment = 0;

  /** @param nowMs one clock for all clients; only for people. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  call(client: string, table: string, asked: Asked): Entry {
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
    this.#entries.push(entry);
    return entry;
  }

  return(entry: Entry, told: Told): void {
    assert(entry.told === undefined, 'K1: one outcome an operation');
    entry.told = told;
    entry.returnedAt = this.#moment++;
    entry.returnedMs = this.#nowMs();
  }

  get openCount(): number {
    let open = 0;
    for (const entry of this.#entries) if (entry.told === undefined) open++;
    return open;
  }

  /** How many of each outcome. */
  counts(): Readonly<Record<'ok' | 'failed' | 'unknown' | 'open', number>> {
    const counts = { ok: 0, failed: 0, unknown: 0, open: 0 };
    for (const { told } of this.#entries) {
      if (told === undefined) counts.open++;
      else if (told.kind === 'failed' || told.kind === 'unknown') counts[told.kind]++;
      else counts.ok++;
    }
    return counts;
  }
}

/** One line for a person. */
export function formatEntry(entry: Entry): string {
  const { asked, told } = entry;
  const what = Object.values(asked)
    .map((value) => short(value))
    .join(' ');
  const answer = told === undefined ? 'no answer' : JSON.stringify(told, shortMaps).slice(0, 200);
  return `${entry.calledMs.toFixed(3)}..${entry.returnedMs.toFixed(3)} ${entry.client} ${entry.table} ${what} → ${answer}`;
}

function short(value: unknown): string {
  const text = String(value);
  return text.length > 24 ? `${text.slice(0, 24)}…` : text;
}

function shortMaps(_: string, value: unknown): unknown {
  if (value instanceof Map) return `${value.size} items`;
  return typeof value === 'string' ? short(value) : value;
}
