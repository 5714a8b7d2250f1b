// A load on a mesh: many clients, until the time is up
// =============================================================================
//
// Closed loop: each client asks, waits for the answer, asks again. Open loop: operations are due at a fixed rate (rate-schedule.ts), and each
// is timed from when it was due.
//
// A recorded load changes a key's name after so many operations, so that no history of one key grows beyond what the search can judge.
//
// Invariants
//   U1. An operation is noted in the history before it is asked, and its outcome once.
//   U2. There is a bound on operations under way: the clients, or `underWayMax` of an open loop.

import type { Table } from '../../messaging/client/index.js';
import type { HeldItem, Told } from '../../messaging/workload/history.js';
import type { SampledHistory } from '../../messaging/workload/sampled-history.js';
import type { Random } from '../../runtime/std/random.js';
import { type Distribution, type KeyChooser, keyChooser } from './key-chooser.js';
import { ask, type KeyAsked, toldOfError } from './load-operation.js';
import type { LoadFigures } from './load-figures.js';
import { loadValue, markOf } from './load-value.js';
import { type Mix, type OperationKind, pickKind } from './mix.js';
import { RateSchedule } from './rate-schedule.js';

export interface LoadSpec {
  readonly clients: number;
  /** Operations a second; undefined: as fast as answers come. */
  readonly rate: number | undefined;
  readonly mix: Mix;
  readonly valueBytes: number;
  readonly keys: number;
  readonly distribution: Distribution;
  /** Of every key. */
  readonly prefix: string;
  readonly timeoutMs: number;
  /** Between an answer and the client's next operation, ms. */
  readonly pauseMs: number;
}

/** U2, of an open loop. */
const underWayMax = 10_000;
/** After an error, so that one which comes at once is not asked for without end. */
const errorPauseMs = 10;
const rangeLimit = 20;
/** Of a recorded key, before it gets its next name. */
const operationsPerNameMax = 2000;
/** Versions remembered for `cas`. */
const seenMax = 200_000;

export class LoadRun {
  readonly #table: Table;
  readonly #spec: LoadSpec;
  readonly #random: Random;
  readonly #figures: LoadFigures;
  readonly #history: SampledHistory | undefined;
  readonly #signal: AbortSignal;
  readonly #choose: KeyChooser;
  readonly #seen = new Map<string, number>();
  readonly #uses = new Map<string, number>();
  readonly #wakers = new Set<() => void>();
  #marks = 0;
  #underWay = 0;
  #missed = 0;
  #stopped = false;

  /** @param signal ends everything that is under way, too */
  constructor(
    table: Table,
    spec: LoadSpec,
    random: Random,
    figures: LoadFigures,
    history: SampledHistory | undefined,
    signal: AbortSignal,
  ) {
    this.#table = table;
    this.#spec = spec;
    this.#random = random;
    this.#figures = figures;
    this.#history = history;
    this.#signal = signal;
    this.#choose = keyChooser(spec.distribution, spec.keys);
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Of an open loop: due before the end, and never begun because too many were under way. */
  get missed(): number {
    return this.#missed;
  }

  /** Begins nothing more. */
  stop(): void {
    this.#stopped = true;
    for (const wake of this.#wakers) wake();
  }

  /** Puts every key once, `clients` at a time. */
  async fill(): Promise<void> {
    let next = 0;
    const client = async (name: string): Promise<void> => {
      while (next < this.#spec.keys && !this.#isOver()) {
        const asked: KeyAsked = {
          kind: 'put',
          key: this.#name('k', next++),
          value: this.#mark(),
          ifVersion: undefined,
        };
        await this.#record(name, asked);
      }
    };
    await Promise.all(Array.from({ length: this.#spec.clients }, (_, i) => client(`fill-${i}`)));
  }

  /** Until the time is up or `stop`; then waits for what is under way. */
  async run(durationMs: number): Promise<void> {
    const late = setTimeout(() => this.stop(), durationMs);
    const stop = (): void => this.stop();
    this.#signal.addEventListener('abort', stop, { once: true });
    try {
      if (this.#spec.rate !== undefined) await this.#openLoop(this.#spec.rate, durationMs);
      else await Promise.all(Array.from({ length: this.#spec.clients }, (_, i) => this.#client(`c${i}`)));
    } finally {
      clearTimeout(late);
      this.#signal.removeEventListener('abort', stop);
    }
  }

  #isOver(): boolean {
    return this.#stopped || this.#signal.aborted;
  }

  async #client(name: string): Promise<void> {
    const random = this.#random.split(name);
    while (!this.#isOver()) {
      const isGood = await this.#one(name, random, performance.now());
      const pauseMs = this.#spec.pauseMs * 2 * random.fraction() + (isGood ? 0 : errorPauseMs);
      if (pauseMs > 0) await this.#pause(pauseMs);
    }
  }

  async #openLoop(rate: number, durationMs: number): Promise<void> {
    const schedule = new RateSchedule(rate, performance.now(), durationMs);
    const random = this.#random.split('open');
    const open = new Set<Promise<unknown>>();
    let n = 0;
    while (!this.#isOver()) {
      while (this.#underWay < underWayMax) {
        const dueMs = schedule.take(performance.now());
        if (dueMs === undefined) break;
        const one = this.#one(`o${n++}`, random, dueMs);
        open.add(one);
        void one.finally(() => open.delete(one)).catch(() => undefined); // it is awaited below
      }
      const nextMs = schedule.nextMs;
      if (nextMs === undefined) break;
      await this.#pause(Math.max(1, nextMs - performance.now()));
    }
    this.#missed = schedule.behind(performance.now());
    await Promise.all(open);
  }

  /** @returns whether it was answered */
  async #one(client: string, random: Random, startMs: number): Promise<boolean> {
    const kind = pickKind(this.#spec.mix, random);
    this.#underWay++;
    const told = await (kind === 'range' ? this.#range(client) : this.#record(client, this.#asked(kind, random)));
    this.#underWay--;
    this.#figures.note(kind, performance.now() - startMs, told);
    return told.kind !== 'failed' && told.kind !== 'unknown';
  }

  async #record(client: string, asked: KeyAsked): Promise<Told> {
    const { timeoutMs, valueBytes } = this.#spec;
    const entry = this.#history?.call(client, this.#table.name, asked); // U1
    const told = await ask(this.#table, asked, { timeoutMs, valueBytes, signal: this.#signal });
    this.#history?.return(entry, told);
    if (told.kind === 'got') this.#see(asked.key, told.item?.version ?? 0);
    if (told.kind === 'written') this.#see(asked.key, asked.kind === 'delete' ? 0 : told.version);
    return told;
  }

  /** Items in a row from the beginning of the load's keys; each is noted as a read of its key. */
  async #range(client: string): Promise<Told> {
    const { timeoutMs, valueBytes, prefix } = this.#spec;
    const calledAt = this.#history?.moment() ?? 0;
    const start = this.#name('k', this.#choose(this.#random));
    try {
      const options = { start, end: `${prefix}l`, limit: rangeLimit, timeout: timeoutMs, signal: this.#signal };
      const { entries } = await this.#table.page(options);
      const items = new Map<string, HeldItem>();
      for (const { key, value, version } of entries)
        items.set(String(key), { value: markOf(value, valueBytes), version });
      for (const [key, item] of items)
        this.#history?.noteRead(client, this.#table.name, { kind: 'get', key, consistency: 'linearizable' }, calledAt, {
          kind: 'got',
          item,
        });
      return { kind: 'scanned', items, more: entries.length === rangeLimit };
    } catch (error) {
      return toldOfError(error, this.#signal);
    }
  }

  #asked(kind: Exclude<OperationKind, 'range'>, random: Random): KeyAsked {
    if (kind === 'insert')
      return { kind: 'put', key: `${this.#spec.prefix}once-${this.#marks}`, value: this.#mark(), ifVersion: 0 };
    const index = this.#choose(random);
    if (kind === 'increment') return { kind, key: this.#name('counter-', index), by: 1 };
    const key = this.#name('k', index);
    if (kind === 'get') return { kind, key, consistency: 'linearizable' };
    if (kind === 'delete') return { kind, key, ifVersion: undefined };
    return {
      kind: 'put',
      key,
      value: this.#mark(),
      ifVersion: kind === 'cas' ? (this.#seen.get(key) ?? 0) : undefined,
    };
  }

  #name(family: 'k' | 'counter-', index: number): string {
    const name = `${this.#spec.prefix}${family}${index}`;
    if (this.#history === undefined) return name;
    const uses = (this.#uses.get(name) ?? 0) + 1;
    this.#uses.set(name, uses);
    const generation = Math.floor(uses / operationsPerNameMax);
    return generation === 0 ? name : `${name}.${generation}`;
  }

  #mark(): string {
    return loadValue(`${this.#spec.prefix}${this.#marks++}`, 0);
  }

  #see(key: string, version: number): void {
    if (this.#spec.mix.cas === 0) return;
    if (this.#seen.size >= seenMax) this.#seen.clear();
    this.#seen.set(key, version);
  }

  /** Ends early by `stop`. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakers.add(wake);
      if (this.#isOver()) wake();
    });
  }
}
