import { expect } from 'chai';
import type { Engine, ItemReader } from '../../../actors/partition/engine/engine.js';
import { MemoryEngine } from '../../../actors/partition/engine/memory-engine.js';
import { xxHash32 } from '../../../messaging/hashing/index.js';
import { limits } from '../../../messaging/protocol/limits.js';
import { AssertionError } from '../../../runtime/std/assert.js';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { seededRandom } from '../../../runtime/std/random.js';

const utf8 = new TextEncoder();
const text = new TextDecoder();
const bytes = (content: string): Uint8Array => utf8.encode(content);
const meta = (version = 1): { version: number; createdAtMs: number; updatedAtMs: number; expiresAtMs: number } => ({
  version,
  createdAtMs: 1000,
  updatedAtMs: 1000 + version,
  expiresAtMs: 0,
});

function keysOf(
  engine: Engine,
  request: { start?: string; end?: string; reverse?: boolean; limit?: number; bytesMax?: number } = {},
): string {
  const page = engine.scan({
    start: bytes(request.start ?? ''),
    end: request.end === undefined ? undefined : bytes(request.end),
    reverse: request.reverse ?? false,
    limit: request.limit ?? 1000,
    bytesMax: request.bytesMax ?? 1_000_000,
  });
  return page.items.map((item) => text.decode(item.key)).join(' ') + (page.more ? ' …' : '');
}

function drain(reader: ItemReader, bytesMax = 1000): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let chunk = reader.next(bytesMax); chunk !== undefined; chunk = reader.next(bytesMax)) chunks.push(chunk);
  reader.release();
  return chunks;
}

function filled(count: number, options = {}): MemoryEngine {
  const engine = new MemoryEngine(options);
  for (let i = 0; i < count; i++) engine.put(bytes(`k${String(i).padStart(6, '0')}`), bytes(`value ${i}`), meta());
  return engine;
}

describe('actors/partition/engine/memory-engine', () => {
  it('keeps what it is given, as copies both ways', () => {
    const engine = new MemoryEngine();
    const [key, value] = [bytes('key'), bytes('value')];
    const stored = { version: 2 ** 40, createdAtMs: 1_700_000_000_000, updatedAtMs: 2 ** 48 - 1, expiresAtMs: 5 };
    expect(engine.put(key, value, stored)).to.equal('stored');
    key.fill(0);
    value.fill(0);
    const got = engine.get(bytes('key'));
    expect(got).to.deep.equal({ value: bytes('value'), ...stored });
    engine.put(bytes('key'), bytes('other'), meta(7));
    expect(text.decode(got?.value)).to.equal('value');
    got?.value.fill(1);
    expect(text.decode(engine.get(bytes('key'))?.value)).to.equal('other');
    expect(engine.get(bytes('ke'))).to.equal(undefined);
    expect(engine.get(emptyBytes)).to.equal(undefined);
    expect(engine.delete(bytes('key'))).to.equal(true);
    expect(engine.delete(bytes('key'))).to.equal(false);
    expect(engine.has(bytes('key'))).to.equal(false);
  });

  it('holds the largest keys and values that limits allow', () => {
    const engine = new MemoryEngine();
    const key = new Uint8Array(limits.keyBytesMax).fill(5);
    const value = new Uint8Array(limits.valueBytesMax).fill(6);
    for (let i = 0; i < 5; i++) engine.put(Uint8Array.of(...key.subarray(1), i), value, meta());
    expect(engine.get(Uint8Array.of(...key.subarray(1), 3))?.value).to.deep.equal(value);
    engine.put(bytes('empty'), emptyBytes, meta());
    expect(engine.get(bytes('empty'))?.value).to.deep.equal(emptyBytes);
    expect(() => engine.put(emptyBytes, value, meta())).to.throw(AssertionError, /E4/);
    expect(() => engine.put(bytes('k'), value, meta(2 ** 48))).to.throw(AssertionError);
  });

  it('scans both ways, with the end left out, and says whether there is more', () => {
    const engine = new MemoryEngine();
    for (const key of ['b', 'a', 'd', 'c', 'aa']) engine.put(bytes(key), bytes('12345'), meta());
    expect(keysOf(engine)).to.equal('a aa b c d');
    expect(keysOf(engine, { reverse: true })).to.equal('d c b aa a');
    expect(keysOf(engine, { start: 'aa', end: 'c' })).to.equal('aa b');
    expect(keysOf(engine, { start: 'aa', end: 'c', reverse: true })).to.equal('b aa');
    expect(keysOf(engine, { end: '' })).to.equal('a aa b c d');
    expect(keysOf(engine, { limit: 2 })).to.equal('a aa …');
    expect(keysOf(engine, { limit: 2, reverse: true })).to.equal('d c …');
    expect(keysOf(engine, { limit: 5 })).to.equal('a aa b c d');
    expect(keysOf(engine, { bytesMax: 13 })).to.equal('a aa …');
    expect(keysOf(engine, { bytesMax: 1 })).to.equal('a …');
    expect(keysOf(engine, { bytesMax: 1, reverse: true })).to.equal('d …');
    expect(keysOf(engine, { start: 'x' })).to.equal('');
    expect(keysOf(engine, { start: 'c', end: 'b' })).to.equal('');
    expect(keysOf(engine, { start: 'c', end: 'b', reverse: true })).to.equal('');
    expect(keysOf(engine, { limit: 0 })).to.equal(' …');
    expect(keysOf(new MemoryEngine(), { reverse: true })).to.equal('');
  });

  it('memory-engine E3: keeps as many versions as the table says, newest first', () => {
    const engine = new MemoryEngine({ versionsKept: 3 });
    for (let version = 1; version <= 5; version++) engine.put(bytes('k'), bytes(`v${version}`), meta(version));
    expect(engine.get(bytes('k'))?.version).to.equal(5);
    expect(engine.history(bytes('k')).map((each) => `${each.version}:${text.decode(each.value)}`)).to.deep.equal([
      '4:v4',
      '3:v3',
    ]);
    const [hash, used] = [engine.canonicalHash(), engine.byteCount];
    const again = new MemoryEngine({ versionsKept: 3 });
    for (let version = 3; version <= 5; version++) again.put(bytes('k'), bytes(`v${version}`), meta(version));
    expect(again.canonicalHash(), 'E2: what is kept is what counts').to.deep.equal(hash);
    expect(again.byteCount).to.equal(used);
    engine.delete(bytes('k'));
    expect(engine.history(bytes('k'))).to.deep.equal([]);
    expect(engine.canonicalHash()).to.deep.equal({ high: 0, low: 0 });
    expect(new MemoryEngine().history(bytes('none'))).to.deep.equal([]);
  });

  it('memory-engine E2, state-hash Y1, records O1: the hash of a state is the one FORMAT.md defines', () => {
    const engine = new MemoryEngine({ versionsKept: 2 });
    engine.put(bytes('key'), bytes('older'), { version: 1, createdAtMs: 5, updatedAtMs: 6, expiresAtMs: 0 });
    engine.put(bytes('key'), bytes('newest'), {
      version: 2,
      createdAtMs: 5,
      updatedAtMs: 2 ** 40 + 7,
      expiresAtMs: 2 ** 33,
    });
    const words = (
      kind: number,
      value: string,
      version: number,
      created: number,
      updated: number,
      expires: number,
    ): number[] => {
      const content = bytes(`key${value}`);
      const padded = new Uint8Array((content.length + 3) & ~3);
      padded.set(content);
      const view = new DataView(padded.buffer);
      const low = (n: number): number => n % 2 ** 32;
      const high = (n: number): number => Math.floor(n / 2 ** 32);
      return [
        3 + kind * 65536,
        value.length,
        low(version),
        low(created),
        low(updated),
        low(expires),
        high(version) * 65536 + high(created),
        high(updated) * 65536 + high(expires),
        ...Array.from({ length: padded.length / 4 }, (_, i) => view.getUint32(i * 4, true)),
      ];
    };
    const finish = (lane: number): number => {
      let hash = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
      return hash ^ (hash >>> 16);
    };
    let [high, low] = [0, 0];
    for (const record of [words(0, 'newest', 2, 5, 2 ** 40 + 7, 2 ** 33), words(1, 'older', 1, 5, 6, 0)]) {
      let a = record[0] as number;
      let b = ~a;
      for (const word of record.slice(1)) {
        a = Math.imul(a ^ word, 0x9e3779b1);
        a ^= a >>> 15;
        b = Math.imul(((b << 5) | (b >>> 27)) + word, 0x85ebca77);
      }
      high = (high + finish(a ^ (record.length + 1))) | 0;
      low = (low + finish(b + record.length + 1)) | 0;
    }
    expect(engine.canonicalHash()).to.deep.equal({ high: high >>> 0, low: low >>> 0 });
  });

  it('state-hash Y1: the hash sees every field', () => {
    const base = { version: 1, createdAtMs: 2, updatedAtMs: 3, expiresAtMs: 4 };
    const hashOf = (key: string, value: string, fields = {}): string => {
      const engine = new MemoryEngine();
      engine.put(bytes(key), bytes(value), { ...base, ...fields });
      return JSON.stringify(engine.canonicalHash());
    };
    const hashes = [
      hashOf('a', 'b'),
      hashOf('ab', ''),
      hashOf('a', 'c'),
      hashOf('a', 'b\0'),
      hashOf('b', 'a'),
      hashOf('a', 'b', { version: 2 }),
      hashOf('a', 'b', { version: 1 + 2 ** 32 }),
      hashOf('a', 'b', { createdAtMs: 3 }),
      hashOf('a', 'b', { createdAtMs: 2 + 2 ** 32 }),
      hashOf('a', 'b', { updatedAtMs: 4 }),
      hashOf('a', 'b', { updatedAtMs: 3 + 2 ** 32 }),
      hashOf('a', 'b', { expiresAtMs: 0 }),
      hashOf('a', 'b', { expiresAtMs: 4 + 2 ** 32 }),
    ];
    expect(new Set(hashes).size).to.equal(hashes.length);
  });

  it('memory-engine E4: at its limit it refuses puts whole, takes deletes, and then puts again', () => {
    const engine = new MemoryEngine({ memoryBytesMax: 300_000 });
    const value = new Uint8Array(1000);
    let count = 0;
    while (engine.put(bytes(`k${count}`), value, meta()) === 'stored') count += 1;
    expect(count).to.be.within(200, 300);
    expect(engine.byteCount).to.be.at.most(300_000);
    expect(engine.hasRoomFor(1004)).to.equal(false);
    const [hash, used] = [engine.canonicalHash(), engine.byteCount];
    expect(engine.put(bytes('more'), value, meta())).to.equal('full');
    expect(engine.put(bytes('k0'), new Uint8Array(20_000), meta(2))).to.equal('full');
    expect(engine.canonicalHash()).to.deep.equal(hash);
    expect(engine.byteCount).to.equal(used);
    expect(engine.put(bytes('k0'), value, meta(2)), 'as large as what it replaces').to.equal('stored');
    expect(engine.put(bytes('committed'), value, meta(), 'force')).to.equal('stored');
    for (let i = 0; i < 10; i++) expect(engine.delete(bytes(`k${i}`))).to.equal(true);
    expect(engine.hasRoomFor(1004)).to.equal(true);
    expect(engine.put(bytes('more'), value, meta())).to.equal('stored');
    expect(new MemoryEngine().hasRoomFor(1e12)).to.equal(true);
  });

  it('memory-engine E5: the hash seed changes nothing that can be seen', () => {
    const play = (hashSeed: number): unknown => {
      const random = seededRandom('E5');
      const engine = new MemoryEngine({ hashSeed, versionsKept: 2 });
      for (let i = 0; i < 5000; i++) {
        const key = bytes(`k${random.below(900)}`);
        if (random.chance(0.3)) engine.delete(key);
        else engine.put(key, new Uint8Array(random.below(200)).fill(i), meta(i));
      }
      return [keysOf(engine), engine.canonicalHash(), engine.itemCount, drain(engine.beginSnapshot(), 500)];
    };
    expect(play(1)).to.deep.equal(play(0xfeed));
    expect(xxHash32(bytes('k'), 1)).to.not.equal(xxHash32(bytes('k'), 0xfeed));
  });

  it('memory-engine E1: put and delete for ever take no more memory', () => {
    const random = seededRandom('churn');
    const engine = new MemoryEngine();
    const size = (): number => 50 + random.below(400);
    for (let i = 0; i < 5000; i++) engine.put(bytes(`key-${i}`), new Uint8Array(size()), meta());
    const churn = (rounds: number): void => {
      for (let i = 0; i < rounds; i++) {
        // A window that moves on: the old keys never come again.
        engine.delete(bytes(`key-${next - 5000}`));
        engine.put(bytes(`key-${next}`), new Uint8Array(size()), meta());
        next += 1;
        engine.put(bytes(`key-${next - 1 - random.below(5000)}`), new Uint8Array(size()), meta());
      }
    };
    let next = 5000;
    churn(10_000);
    const [used, reserved] = [engine.byteCount, engine.reservedByteCount];
    churn(30_000);
    expect(engine.itemCount).to.equal(5000);
    expect(engine.byteCount).to.be.below(used * 1.1);
    expect(engine.reservedByteCount).to.be.below(reserved * 1.25);
  });

  it('memory-engine E6: one put moves one index segment and a path of nodes, never the whole', () => {
    const engine = new MemoryEngine();
    let before = engine.reservedByteCount;
    for (let i = 0; i < 60_000; i++) {
      engine.put(bytes(`k${Math.imul(i, 0x9e3779b1) >>> 0}`), emptyBytes, meta());
      expect(engine.reservedByteCount - before, `put ${i}`).to.be.below(4.3 * 1024 * 1024);
      before = engine.reservedByteCount;
    }
  });

  it('snapshot-reader P1: is of one moment, whatever is written meanwhile', () => {
    const engine = filled(500, { versionsKept: 2 });
    engine.put(bytes('k000250'), bytes('newer'), meta(2));
    const hash = engine.canonicalHash();
    const expected = keysOf(engine);
    const reader = engine.beginSnapshot();
    const chunks = [reader.next(300) as Uint8Array];
    for (let i = 0; i < 500; i++) {
      const key = bytes(`k${String(i).padStart(6, '0')}`);
      if (i % 3 === 0) engine.delete(key);
      else engine.put(key, bytes(`changed ${i}`), meta(3));
      engine.put(bytes(`k${String(i).padStart(6, '0')}+`), bytes('added'), meta());
      if (i % 50 === 0) chunks.push(reader.next(300) as Uint8Array);
    }
    chunks.push(...drain(reader, 300));
    const loaded = new MemoryEngine({ versionsKept: 2 });
    for (const chunk of chunks) loaded.loadChunk(chunk);
    expect(keysOf(loaded)).to.equal(expected);
    expect(loaded.canonicalHash()).to.deep.equal(hash);
    expect(loaded.history(bytes('k000250')).map((each) => text.decode(each.value))).to.deep.equal(['value 250']);
  });

  it('snapshot-reader P1: chunks are about as long as asked, and of older versions too', () => {
    const engine = new MemoryEngine({ versionsKept: 50 });
    for (let i = 0; i < 60; i++) engine.put(bytes('k'), new Uint8Array(900), meta(i + 1));
    for (let i = 0; i < 30; i++) engine.put(bytes(`l${i}`), new Uint8Array(100), meta());
    const chunks = drain(engine.beginSnapshot(), 2000);
    for (const chunk of chunks) expect(chunk.length).to.be.below(2100);
    expect(chunks.length).to.be.within(24, 30);
    const loaded = new MemoryEngine({ versionsKept: 50 });
    for (const chunk of chunks) loaded.loadChunk(chunk);
    expect(loaded.history(bytes('k')).length).to.equal(49);
    expect(drain(new MemoryEngine().beginSnapshot()).length, 'of nothing there is an end').to.equal(1);
  });

  it('snapshot-reader P2: what it kept is freed, at the end or when given up', () => {
    for (const giveUp of [true, false]) {
      const engine = filled(2000);
      const used = engine.byteCount;
      const reader = engine.beginSnapshot();
      const other = engine.beginSnapshot();
      reader.next(100);
      for (let i = 0; i < 2000; i++) engine.put(bytes(`k${String(i).padStart(6, '0')}`), bytes(`value ${i}`), meta(2));
      expect(engine.byteCount).to.be.above(used * 1.5);
      if (!giveUp) drain(reader);
      reader.release();
      other.release();
      reader.release();
      expect(reader.next(100)).to.equal(undefined);
      expect(engine.byteCount).to.be.within(used * 0.99, used * 1.01);
    }
  });

  it('refuses chunks that are damaged or out of order', () => {
    const chunks = drain(filled(100).beginSnapshot(), 500);
    const load = (list: readonly (Uint8Array | undefined)[]): void => {
      const engine = new MemoryEngine();
      for (const chunk of list) engine.loadChunk(chunk as Uint8Array);
    };
    load(chunks);
    expect(() => load([chunks[1], chunks[0]])).to.throw(DecodeError, /ascend/);
    expect(() => load([chunks[0], chunks[0]])).to.throw(DecodeError, /ascend/);
    expect(() => load([chunks[0], chunks.at(-1)])).to.throw(DecodeError, /items, but/);
    expect(() => load([...chunks, chunks[0]])).to.throw(DecodeError, /after the end/);
    expect(() => load([Uint8Array.of(2)])).to.throw(DecodeError, /format 2/);
    expect(() => load([Uint8Array.of(1, 9)])).to.throw(DecodeError, /begins with 9/);
    expect(() => load([Uint8Array.of(1, 1, 1, 1, 1, 0, 0)])).to.throw(DecodeError, /before any item/);
    expect(() => load([Uint8Array.of(1, 0, 0)])).to.throw(DecodeError, /empty key/);
    expect(() => load([emptyBytes])).to.throw(DecodeError);
    expect(() => filled(1).loadChunk(chunks[0] as Uint8Array)).to.throw(DecodeError, /with items/);
    const changed = chunks.map((chunk) => chunk.slice());
    const first = changed[0] as Uint8Array;
    first[first.length - 1] = (first.at(-1) as number) ^ 1;
    expect(() => load(changed)).to.throw(DecodeError, /another hash/);
    for (const chunk of chunks.slice(0, 2)) {
      for (let cut = 0; cut < chunk.length; cut++) {
        const engine = new MemoryEngine();
        try {
          engine.loadChunk(chunk.subarray(0, cut));
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError);
        }
      }
    }
    const deep = drain(
      (() => {
        const engine = new MemoryEngine({ versionsKept: 3 });
        for (let i = 1; i < 5; i++) engine.put(bytes('k'), bytes('v'), meta(i));
        return engine.beginSnapshot();
      })(),
    );
    expect(() => load(deep)).to.throw(DecodeError, /more older versions/);
  });

  it('begins again after clear', () => {
    const engine = filled(3000);
    const chunks = drain(engine.beginSnapshot());
    engine.clear();
    expect(engine.itemCount).to.equal(0);
    expect(keysOf(engine)).to.equal('');
    expect(engine.canonicalHash()).to.deep.equal({ high: 0, low: 0 });
    for (const chunk of chunks) engine.loadChunk(chunk);
    expect(engine.itemCount).to.equal(3000);
    const reader = engine.beginSnapshot();
    expect(() => engine.clear()).to.throw(AssertionError);
    reader.release();
    engine.clear();
  });

  it('allows a bounded number of readers', () => {
    const engine = filled(10);
    const readers = Array.from({ length: 8 }, () => engine.beginSnapshot());
    expect(() => engine.beginSnapshot()).to.throw(AssertionError, /at most 8/);
    for (const reader of readers) reader.release();
    drain(engine.beginSnapshot());
  });
});
