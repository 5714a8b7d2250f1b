// What was acknowledged, to be found again
// =============================================================================
//
// Writers put numbers under keys of their own, each key once, so that afterwards every acknowledged write can be looked for. An error that
// means "no effect" must have had none, and one that leaves it open may go either way.

import type { Database, Table } from '../../messaging/client/index.js';
import { TroupeError } from '../../messaging/client/index.js';

export interface LedgerVerdict {
  readonly acknowledged: number;
  readonly lost: readonly string[];
  /** Failed for certain, and there nevertheless (R22). */
  readonly resurrected: readonly string[];
  readonly unknown: number;
  readonly failed: number;
}

const checkedAtOnce = 500;

export class Ledger {
  readonly #table: Table;
  readonly #acknowledged = new Map<string, number>();
  readonly #failed = new Set<string>();
  readonly #acknowledgedAtMs: number[] = [];
  #unknown = 0;
  #stopped = false;
  #writers: Promise<void>[] = [];

  constructor(db: Database, table: string) {
    this.#table = db.table(table);
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  /** Acknowledgements between two times of `performance.now()`. */
  acknowledgedBetween(fromMs: number, toMs: number): number {
    return this.#acknowledgedAtMs.filter((atMs) => atMs >= fromMs && atMs < toMs).length;
  }

  start(writers: number): void {
    this.#writers = Array.from({ length: writers }, (_, writer) => this.#write(writer));
  }

  async #write(writer: number): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const key = `w${writer}-${n}`;
      try {
        await this.#table.put(key, n, { ifAbsent: true, timeout: 15_000 });
        this.#acknowledged.set(key, n);
        this.#acknowledgedAtMs.push(performance.now());
      } catch (error) {
        if (!(error instanceof TroupeError)) throw error;
        if (error.code === 'OUTCOME_UNKNOWN') this.#unknown++;
        else this.#failed.add(key);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#writers);
  }

  /** Reads everything back. */
  async judge(): Promise<LedgerVerdict> {
    const lost: string[] = [];
    const resurrected: string[] = [];
    const keys = [...this.#acknowledged.keys()];
    for (let at = 0; at < keys.length; at += checkedAtOnce) {
      const some = keys.slice(at, at + checkedAtOnce);
      const values = await this.#table.getMany(some);
      some.forEach((key, i) => {
        if (values[i] !== this.#acknowledged.get(key)) lost.push(key);
      });
    }
    for (const key of this.#failed) if (await this.#table.has(key)) resurrected.push(key);
    return { acknowledged: keys.length, lost, resurrected, unknown: this.#unknown, failed: this.#failed.size };
  }
}
