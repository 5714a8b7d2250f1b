import { expect } from 'chai';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { crc32 } from '../../../runtime/std/crc32.js';
import { type Chunk, cutFrame, decodeChunk } from '../../../messaging/protocol/chunk.js';
import { ChunkAssembly } from '../../../messaging/transport/chunk-assembly.js';
import { defaultLinkLimits } from '../../../messaging/transport/link-limits.js';

const frame = Uint8Array.from({ length: 1000 }, (_, i) => i);
const chunksOf = (number: number, instance = 1, bytes = frame): Chunk[] =>
  cutFrame(bytes, 240, instance, number, crc32).map((chunk) => decodeChunk(chunk, crc32));
const limits = { ...defaultLinkLimits, assemblyBytesMax: 1500, assemblyCountMax: 3 };

describe('chunk-assembly', () => {
  it('J2: gives the frame with its last chunk', () => {
    const assembly = new ChunkAssembly(limits);
    const chunks = chunksOf(1);
    const results = chunks.map((chunk) => assembly.accept('h1', chunk));
    expect(results.slice(0, -1).every((result) => result === undefined)).to.equal(true);
    expect(results.at(-1)).to.deep.equal(frame);
    expect(assembly.bytes).to.equal(0);
  });

  it('frames of several senders and instances do not mix', () => {
    const assembly = new ChunkAssembly(defaultLinkLimits);
    const other = frame.toReversed();
    const a = chunksOf(1);
    const b = chunksOf(1, 2, other);
    let results: (Uint8Array | undefined)[] = [];
    for (let i = 0; i < a.length; i++)
      results = [assembly.accept('h1', a[i] as Chunk), assembly.accept('h1', b[i] as Chunk)];
    expect(results).to.deep.equal([frame, other]);
  });

  for (const [what, order] of [
    ['a missing chunk', [0, 2]],
    ['a repeated chunk', [0, 1, 1]],
    ['a chunk out of order', [0, 2, 1]],
    ['no first chunk', [1]],
  ] as const)
    it(`J2: ${what} ends the frame`, () => {
      const assembly = new ChunkAssembly(limits);
      const chunks = chunksOf(1);
      expect(() => {
        for (const index of order) assembly.accept('h1', chunks[index] as Chunk);
      }).to.throw(DecodeError);
      expect(assembly.bytes).to.equal(0);
    });

  it('J2: a chunk of another frame, or of other lengths, ends the frame', () => {
    for (const other of [chunksOf(2), chunksOf(1, 1, frame.subarray(0, 950))]) {
      const assembly = new ChunkAssembly(limits);
      assembly.accept('h1', chunksOf(1)[0] as Chunk);
      expect(() => assembly.accept('h1', other[1] as Chunk)).to.throw(DecodeError);
      expect(assembly.droppedCount).to.equal(1);
    }
  });

  it('J2: a new first chunk replaces an unfinished frame', () => {
    const assembly = new ChunkAssembly(limits);
    assembly.accept('h1', chunksOf(1)[0] as Chunk);
    let whole: Uint8Array | undefined;
    for (const chunk of chunksOf(2)) whole = assembly.accept('h1', chunk);
    expect(whole).to.deep.equal(frame);
    expect(assembly.droppedCount).to.equal(1);
  });

  it('J1: holds a bounded number of bytes and frames; the oldest goes first', () => {
    const assembly = new ChunkAssembly(limits);
    for (const sender of ['a', 'b', 'c', 'd']) assembly.accept(sender, chunksOf(1)[0] as Chunk);
    expect(assembly.droppedCount).to.equal(1);
    expect(() => assembly.accept('a', chunksOf(1)[1] as Chunk)).to.throw(DecodeError);
    for (const index of [1, 2, 3])
      for (const sender of ['c', 'd']) assembly.accept(sender, chunksOf(1)[index] as Chunk);
    expect(assembly.bytes).to.be.at.most(limits.assemblyBytesMax);
  });

  it('J1: a declared length costs nothing until its bytes arrive', () => {
    const assembly = new ChunkAssembly(limits);
    const first = decodeChunk(cutFrame(new Uint8Array(10_000_000), 100_000, 1, 1, crc32)[0] as Uint8Array, crc32);
    assembly.accept('h1', { ...first, piece: first.piece.subarray(0, 10) });
    expect(assembly.bytes).to.equal(10);
  });
});
