// Property: the memory engine against a Map and a sort
// =============================================================================
//
// A run is a seeded sequence of writes, reads, scans and snapshots; every answer is compared with a naive model's. A failure prints its seed.

import { expect } from 'chai';
import fc from 'fast-check';
import type { ItemMeta, ItemReader, StoredItem } from '../../actors/partition/engine/engine.js';
import { MemoryEngine } from '../../actors/partition/engine/memory-engine.js';
import { unreachable } from '../../runtime/std/assert.js';
import { compareBytes, toHex } from '../../runtime/std/bytes.js';
import { type Random, seededRandom } from '../../runtime/std/random.js';

interface ModelItem {
  readonly key: Uint8Array;
  /** Newest first. */
  readonly versions: readonly (ItemMeta & { readonly value: Uint8Array })[];
}

/** What the engine should be: nothing clever. */
class Model {
  readonly #versionsKept: number;
  items = new Map<string, ModelItem>();

  constructor(versionsKept: number) {
    this.#versionsKept = versionsKept;
  }

  put(key: Uint8Array, value: Uint8Array, meta: ItemMeta): void {
    const older = this.items.get(toHex(key))?.versions ?? [];
    const versions = [{ value, ...meta }, ...older].slice(0, this.#versionsKept);
    this.items.set(toHex(key), { key, versions });
  }

  delete(key: Uint8Array): boolean {
    return this.items.delete(toHex(key));
  }

  sorted(): ModelItem[] {
    return [...this.items.values()].sort((a, b) => compareBytes(a.key, b.key));
  }
}

type KeyShape = 'few' | 'numbers' | 'prefixes' | 'random';

function randomKey(random: Random, shape: KeyShape): Uint8Array {
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  switch (shape) {
    case 'few':
      return text(`k${random.below(40)}`);
    case 'numbers':
      return text(`user:${String(random.below(3000)).padStart(8, '0')}`);
    case 'prefixes':
      return text('ab'.repeat(random.below(6)) + 'c'.repeat(random.below(30)) + String(random.below(20)));
    case 'random': {
      const bytes = new Uint8Array(1 + random.below(9));
      for (let i = 0; i < bytes.length; i++) bytes[i] = random.chance(0.3) ? random.pick([0, 255]) : random.below(256);
      return bytes;
    }
    default:
      return unreachable(shape);
  }
}

function randomValue(random: Random): Uint8Array {
  const length = random.chance(0.02) ? random.below(200_000) : random.chance(0.1) ? 0 : random.below(300);
  return new Uint8Array(length).fill(random.below(256));
}

function flat(items: readonly StoredItem[]): string[] {
  return items.map((item) => `${toHex(item.key)}=${summary(item)}`);
}

function summary(stored: ItemMeta & { readonly value: Uint8Array }): string {
  const { version, createdAtMs, updatedAtMs, expiresAtMs, value } = stored;
  return `${version}/${createdAtMs}/${updatedAtMs}/${expiresAtMs}/${value.length}×${value[0] ?? '-'}`;
}

function flatModel(items: readonly ModelItem[]): string[] {
  return items.map((item) => `${toHex(item.key)}=${summary(item.versions[0] as ModelItem['versions'][0])}`);
}

function readAll(engine: MemoryEngine): string[] {
  const empty = new Uint8Array(0);
  return flat(engine.scan({ start: empty, limit: 1e9, bytesMax: 1e12 }).items);
}

/** The whole state with older versions, of an engine that took these chunks in. */
function load(chunks: readonly Uint8Array[], versionsKept: number): { engine: MemoryEngine; state: string[] } {
  const engine = new MemoryEngine({ versionsKept, hashSeed: 99 });
  for (const chunk of chunks) engine.loadChunk(chunk);
  const state: string[] = [];
  const page = engine.scan({ start: new Uint8Array(0), limit: 1e9, bytesMax: 1e12 });
  for (const item of page.items) {
    state.push([toHex(item.key), summary(item), ...engine.history(item.key).map(summary)].join(' '));
  }
  return { engine, state };
}

function modelState(model: Model): string[] {
  return model.sorted().map((item) => [toHex(item.key), ...item.versions.map(summary)].join(' '));
}

/** One snapshot being read while the run goes on. */
interface Reading {
  readonly reader: ItemReader;
  readonly expected: string[];
  readonly chunks: Uint8Array[];
}

function run(seed: number, shape: KeyShape, versionsKept: number, steps: number): void {
  const random = seededRandom(seed);
  const engine = new MemoryEngine({ versionsKept, hashSeed: random.u32() });
  const model = new Model(versionsKept);
  let readings: Reading[] = [];
  // Phases of growth and of shrinking, so that nodes are split and merged and arenas come and go.
  let deleteChance = 0.2;
  for (let step = 0; step < steps; step++) {
    if (step % 500 === 0) deleteChance = random.pick([0.05, 0.2, 0.5, 0.9]);
    const key = randomKey(random, shape);
    const what = random.fraction();
    if (what < 0.8) {
      if (random.chance(deleteChance)) {
        expect(engine.delete(key)).to.equal(model.delete(key));
      } else {
        const value = randomValue(random);
        const version = (model.items.get(toHex(key))?.versions[0]?.version ?? 0) + random.pick([1, 1, 2 ** 33]);
        const times = {
          createdAtMs: 1_700_000_000_000 + step,
          updatedAtMs: step,
          expiresAtMs: random.pick([0, 2 ** 47]),
        };
        expect(engine.put(key, value, { version, ...times })).to.equal('stored');
        model.put(key, value, { version, ...times });
      }
    } else if (what < 0.88) {
      const found = engine.get(key);
      const known = model.items.get(toHex(key))?.versions;
      expect(found && summary(found)).to.equal(known?.[0] && summary(known[0]));
      expect(engine.has(key)).to.equal(known !== undefined);
      expect(engine.history(key).map(summary)).to.deep.equal((known ?? []).slice(1).map(summary));
    } else if (what < 0.93) {
      checkScan(random, engine, model, shape);
    } else if (what < 0.95 && readings.length < 3) {
      readings.push({ reader: engine.beginSnapshot(), expected: modelState(model), chunks: [] });
    } else {
      readings = readings.filter((reading) => readOn(reading, random, versionsKept));
    }
    expect(engine.itemCount).to.equal(model.items.size);
  }
  for (const reading of readings) reading.reader.release();
  expect(readAll(engine)).to.deep.equal(flatModel(model.sorted()));
  checkReload(engine, model, versionsKept);
  for (const { key } of model.sorted()) engine.delete(key);
  expect(engine.itemCount).to.equal(0);
  expect(engine.canonicalHash(), 'E2: nothing left, nothing hashed').to.deep.equal({ high: 0, low: 0 });
  expect(engine.byteCount, 'everything was freed').to.be.lessThan(100_000);
}

function checkScan(random: Random, engine: MemoryEngine, model: Model, shape: KeyShape): void {
  const [start, end] = [randomKey(random, shape), randomKey(random, shape)].sort(compareBytes) as [
    Uint8Array,
    Uint8Array,
  ];
  const openEnd = random.chance(0.2);
  const reverse = random.chance(0.5);
  const limit = 1 + random.below(60);
  const bytesMax = 1 + random.below(5000);
  const within = model
    .sorted()
    .filter(({ key }) => compareBytes(key, start) >= 0 && (openEnd || compareBytes(key, end) < 0));
  if (reverse) within.reverse();
  const expected: ModelItem[] = [];
  let bytes = 0;
  for (const item of within) {
    bytes += item.key.length + (item.versions[0]?.value.length ?? 0);
    if (expected.length >= limit || (bytes > bytesMax && expected.length > 0)) break;
    expected.push(item);
  }
  const page = engine.scan({ start, end: openEnd ? undefined : end, reverse, limit, bytesMax });
  expect(flat(page.items)).to.deep.equal(flatModel(expected));
  expect(page.more).to.equal(within.length > expected.length);
}

/** False once it is at its end, and checked. */
function readOn(reading: Reading, random: Random, versionsKept: number): boolean {
  const chunk = reading.reader.next(random.pick([1, 100, 5000, 100_000]));
  if (chunk !== undefined) {
    reading.chunks.push(chunk);
    if (random.chance(0.98)) return true;
    reading.reader.release(); // given up half way
    return false;
  }
  reading.reader.release();
  expect(load(reading.chunks, versionsKept).state).to.deep.equal(reading.expected);
  return false;
}

function checkReload(engine: MemoryEngine, model: Model, versionsKept: number): void {
  const reader = engine.beginSnapshot();
  const chunks: Uint8Array[] = [];
  for (let chunk = reader.next(3000); chunk !== undefined; chunk = reader.next(3000)) chunks.push(chunk);
  reader.release();
  const loaded = load(chunks, versionsKept);
  expect(loaded.state).to.deep.equal(modelState(model));
  expect(loaded.engine.canonicalHash()).to.deep.equal(engine.canonicalHash());
}

describe('property: memory engine', () => {
  for (const shape of ['few', 'numbers', 'prefixes', 'random'] as const) {
    it(`memory-engine E1 E2 E3 E5, ordered-index T1, snapshot-reader P1: as a Map and a sort, keys ${shape}`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.constantFrom(1, 1, 3), (seed, versionsKept) => {
          run(seed, shape, versionsKept, 2500);
        }),
        { numRuns: 6 },
      );
    });
  }

  it('state-hash Y1: the same items have the same hash, in whatever order they were written', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = seededRandom(seed);
        const keys = Array.from({ length: 50 }, (_, i) => new TextEncoder().encode(`key ${i}`));
        const meta = { version: 1, createdAtMs: 1, updatedAtMs: 1, expiresAtMs: 0 };
        const write = (engine: MemoryEngine, order: readonly Uint8Array[]): void => {
          for (const key of order) {
            engine.put(key, randomValue(random), meta); // to be overwritten
            engine.put(key, key, meta);
          }
        };
        const one = new MemoryEngine();
        const other = new MemoryEngine({ hashSeed: 7 });
        write(one, keys);
        write(other, [...keys].reverse());
        expect(other.canonicalHash()).to.deep.equal(one.canonicalHash());
        other.put(random.pick(keys), new Uint8Array(1), meta);
        expect(other.canonicalHash()).to.not.deep.equal(one.canonicalHash());
      }),
      { numRuns: 20 },
    );
  });
});
