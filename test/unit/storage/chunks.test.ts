import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { compress, compressSync } from 'snappy';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { crc32 } from '../../../runtime/std/crc32.js';
import { nativeCrc32 } from '../../../runtime/storage/native-crc.js';
import { decompressSnappy, snappyChunks } from '../../../runtime/storage/snappy-chunks.js';

describe('snapshot chunks', () => {
  const chunk = new TextEncoder().encode('a chunk '.repeat(1000));

  it('come back from snappy as they were', async () => {
    const codec = snappyChunks((bytes) => compress(bytes));
    const stored = await new Promise<Uint8Array | undefined>((resolve) => codec.compress(chunk, resolve));
    expect(stored?.length).to.be.lessThan(chunk.length / 5);
    expect(Buffer.compare(codec.decompress(stored as Uint8Array, chunk.length), chunk)).to.equal(0);
  });

  it('stay as they are when nobody can compress them', async () => {
    for (const refusal of [() => Promise.reject(new Error('the pool is full')), () => Promise.resolve(undefined)]) {
      const stored = await new Promise((resolve) => snappyChunks(refusal).compress(chunk, resolve));
      expect(stored).to.equal(undefined);
    }
  });

  it('are sent to another thread only when a piece of them became smaller', async () => {
    const sent: number[] = [];
    const codec = snappyChunks((bytes) => {
      sent.push(bytes.length);
      return compress(bytes);
    });
    const stored = (bytes: Uint8Array): Promise<Uint8Array | undefined> =>
      new Promise((resolve) => codec.compress(bytes, resolve));
    for (const length of [1, 100, 8 * 1024, 256 * 1024]) {
      expect(await stored(randomBytes(length)), `${length} random bytes`).to.equal(undefined);
    }
    expect(sent).to.deep.equal([]);
    const text = new TextEncoder().encode('a chunk '.repeat(32 * 1024));
    expect(await stored(text)).to.have.length.lessThan(text.length / 5);
    expect(sent).to.deep.equal([text.length]);
  });

  it('never make snappy allocate what only a damaged header claims', () => {
    // Six bytes that declare 4 GiB: without the guard this may end the process.
    const claim = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0);
    expect(() => decompressSnappy(claim, chunk.length)).to.throw(DecodeError, 'declares 4294967295');
    expect(() => decompressSnappy(claim, 0xffff_ffff)).to.throw(DecodeError);
    expect(() => decompressSnappy(new Uint8Array(0), 5)).to.throw(DecodeError);
    const stored = compressSync(chunk);
    expect(() => decompressSnappy(stored, chunk.length + 1)).to.throw(DecodeError);
    for (let at = 1; at < stored.length; at++) {
      const damaged = Uint8Array.from(stored);
      damaged[at] = (damaged[at] as number) ^ 0x55;
      try {
        expect(decompressSnappy(damaged, chunk.length)).to.have.length(chunk.length);
      } catch (error) {
        expect(error).to.be.instanceOf(DecodeError);
      }
    }
  });
});

describe('checksums', () => {
  it('D3: zlib’s and ours are one polynomial, with and without a seed', () => {
    expect(nativeCrc32(new TextEncoder().encode('123456789'))).to.equal(0xcbf43926);
    const bytes = new Uint8Array(1000).map((_, at) => (at * 7) & 0xff);
    for (const seed of [0, 1, 0xdeadbeef, 0xffffffff]) expect(nativeCrc32(bytes, seed)).to.equal(crc32(bytes, seed));
  });
});
