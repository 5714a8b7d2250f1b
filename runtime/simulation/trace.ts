// What happened, as lines for people and as one number
// =============================================================================
//
// Every notable event goes into a rolling 64-bit hash and into a ring of the last ones. Two runs of one seed must give
// the same hash; the ring is what a failing run prints. Columns: virtual ms, host/worker, actor, kind, detail.
//
// Invariants
//   H1. The hash depends on every recorded (time, host, worker, actor, kind, fields), and on nothing else: no stack
//       traces, no addresses of objects, no real time.

import type { SystemEvent } from '../contract/events.js';
import { mainWorker } from '../contract/address.js';

export type TraceField = string | number;

interface TraceEntry {
  atMs: number;
  host: string;
  worker: number;
  actor: string;
  kind: string;
  a: TraceField;
  b: TraceField;
  event: SystemEvent | undefined;
}

/** Lines kept for a failure report. */
const keptCountMax = 500;
const knownTextCountMax = 20_000;
const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);

export class Trace {
  readonly #ring: TraceEntry[] = [];
  readonly #known = new Map<string, number>();
  readonly #listener: ((line: string) => void) | undefined;
  #next = 0;
  #count = 0;
  #high = 0x6a09e667;
  #low = 0xbb67ae85;

  /** @param listener gets every line as it happens; formatting costs time, so leave it out of long runs. */
  constructor(listener?: (line: string) => void) {
    this.#listener = listener;
  }

  get count(): number {
    return this.#count;
  }

  /** Sixteen hexadecimal digits over everything recorded so far. */
  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }

  /** `a` and `b` are the event's key fields, '' when it has none. */
  record(
    atMs: number,
    host: string,
    worker: number,
    actor: string,
    kind: string,
    a: TraceField = '',
    b: TraceField = '',
  ): void {
    this.#hashHead(atMs, host, worker, actor, kind);
    this.#mixField(a);
    this.#mixField(b);
    this.#keep(atMs, host, worker, actor, kind, a, b, undefined);
  }

  event(atMs: number, host: string, worker: number, actor: string, event: SystemEvent): void {
    this.#hashHead(atMs, host, worker, actor, event.kind);
    for (const name of Object.keys(event)) {
      if (name === 'kind' || name === 'stack') continue; // H1
      this.#mixText(name);
      const value = event[name];
      this.#mixField(typeof value === 'string' || typeof value === 'number' ? value : String(value));
    }
    this.#keep(atMs, host, worker, actor, event.kind, '', '', event);
  }

  /** A fact that goes into the hash only: how many turns a worker took, say. */
  mix(value: number): void {
    this.#mixNumber(value);
  }

  /** The last lines, oldest first. */
  tail(count: number = keptCountMax): string[] {
    const lines: string[] = [];
    const size = this.#ring.length;
    for (let i = Math.max(0, size - count); i < size; i++) {
      const entry = this.#ring[size < keptCountMax ? i : (this.#next + i) % keptCountMax];
      if (entry !== undefined) lines.push(formatEntry(entry));
    }
    return lines;
  }

  #keep(
    atMs: number,
    host: string,
    worker: number,
    actor: string,
    kind: string,
    a: TraceField,
    b: TraceField,
    event: SystemEvent | undefined,
  ): void {
    this.#count++;
    let entry = this.#ring[this.#next];
    if (entry === undefined) {
      entry = { atMs, host, worker, actor, kind, a, b, event };
      this.#ring.push(entry);
    } else {
      entry.atMs = atMs;
      entry.host = host;
      entry.worker = worker;
      entry.actor = actor;
      entry.kind = kind;
      entry.a = a;
      entry.b = b;
      entry.event = event;
    }
    this.#next = (this.#next + 1) % keptCountMax;
    this.#listener?.(formatEntry(entry));
  }

  #hashHead(atMs: number, host: string, worker: number, actor: string, kind: string): void {
    this.#mixNumber(atMs);
    this.#mixText(host);
    this.#mixWord(worker);
    this.#mixText(actor);
    this.#mixText(kind);
  }

  #mixField(value: TraceField): void {
    if (typeof value === 'number') this.#mixNumber(value);
    else this.#mixText(value);
  }

  #mixNumber(value: number): void {
    float[0] = value;
    this.#mixWord(halves[0] as number);
    this.#mixWord(halves[1] as number);
  }

  #mixText(text: string): void {
    let hash = this.#known.get(text);
    if (hash === undefined) {
      hash = 0x811c9dc5;
      for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
      if (this.#known.size < knownTextCountMax) this.#known.set(text, hash);
    }
    this.#mixWord(hash);
  }

  #mixWord(word: number): void {
    // Two lanes of murmur3's round, each fed by the other so that they do not fall into step.
    let high = Math.imul(this.#high ^ word, 0xcc9e2d51);
    high = (high << 15) | (high >>> 17);
    let low = Math.imul(this.#low ^ word ^ high, 0x1b873593);
    low = (low << 13) | (low >>> 19);
    this.#high = (Math.imul(high, 5) + 0xe6546b64 + low) | 0;
    this.#low = (Math.imul(low, 5) + 0x38495ab5) | 0;
  }
}

function formatEntry(entry: TraceEntry): string {
  const at = entry.atMs.toFixed(3).padStart(11);
  const where = entry.host === '' ? '-' : `${entry.host}/${entry.worker === mainWorker ? 'main' : entry.worker}`;
  const head = `${at} ${where.padEnd(8)} ${(entry.actor === '' ? '-' : entry.actor).padEnd(14)} ${entry.kind}`;
  if (entry.event === undefined) {
    return entry.a === '' && entry.b === '' ? head : `${head} ${entry.a}${entry.b === '' ? '' : ` ${entry.b}`}`;
  }
  let line = head;
  for (const [name, value] of Object.entries(entry.event)) {
    if (name !== 'kind' && name !== 'level' && name !== 'stack') line += ` ${name}=${String(value)}`;
  }
  return line;
}
