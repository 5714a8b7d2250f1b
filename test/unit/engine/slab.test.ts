import { expect } from 'chai';
import { arenaShift, blockBytesMax, Slab, unitMask } from '../../../actors/partition/engine/slab.js';
import { seededRandom } from '../../../runtime/std/random.js';

/** Fills a block's payload, to see later whether anyone else wrote there. */
function fill(slab: Slab, handle: number, length: number, byte: number): void {
  const at = (handle & unitMask) * 8 + 4;
  (slab.bytes[handle >>> arenaShift] as Uint8Array).fill(byte, at, at + length);
}

function isFilled(slab: Slab, handle: number, length: number, byte: number): boolean {
  const at = (handle & unitMask) * 8 + 4;
  return (slab.bytes[handle >>> arenaShift] as Uint8Array).subarray(at, at + length).every((each) => each === byte);
}

describe('actors/partition/engine/slab', () => {
  it('slab L1: blocks never overlap, whatever is allocated and freed', () => {
    const seed = 'slab L1';
    const random = seededRandom(seed);
    const slab = new Slab();
    const blocks: { handle: number; length: number; byte: number }[] = [];
    for (let step = 0; step < 30_000; step++) {
      const growing = step % 10_000 < 6000;
      if (blocks.length === 0 || random.chance(growing ? 0.6 : 0.3)) {
        const length = random.chance(0.01) ? random.below(600_000) : random.below(600);
        const handle = slab.allocate(length);
        expect(slab.capacityOf(handle), seed).to.be.at.least(length);
        const byte = random.below(256);
        fill(slab, handle, length, byte);
        blocks.push({ handle, length, byte });
      } else {
        const at = random.below(blocks.length);
        const { handle, length, byte } = blocks[at] as (typeof blocks)[number];
        expect(isFilled(slab, handle, length, byte), `${seed}, step ${step}`).to.equal(true);
        slab.free(handle);
        blocks[at] = blocks[blocks.length - 1] as (typeof blocks)[number];
        blocks.pop();
      }
    }
    for (const { handle, length, byte } of blocks) {
      expect(isFilled(slab, handle, length, byte), seed).to.equal(true);
      slab.free(handle);
    }
    expect(slab.usedBytes).to.equal(0);
    expect(slab.reservedBytes, 'slab L3: one arena is kept').to.be.at.most(4 * 1024 * 1024);
  });

  it('slab L2: a hole is found by the next block of its size, so churn takes no more memory', () => {
    for (const length of [0, 1, 20, 100, 299, 300, 301, 5000, 70_000, 1_052_000]) {
      const slab = new Slab();
      const handles = Array.from({ length: 20 }, () => slab.allocate(length));
      const { reservedBytes, usedBytes } = slab;
      const random = seededRandom(`churn ${length}`);
      for (let i = 0; i < 2000; i++) {
        const at = random.below(handles.length);
        slab.free(handles[at] as number);
        handles[at] = slab.allocate(length);
      }
      expect(slab.reservedBytes, `${length} bytes`).to.equal(reservedBytes);
      expect(slab.usedBytes).to.equal(usedBytes);
    }
  });

  it('slab L2: rounding wastes at most a sixteenth, and a header', () => {
    const slab = new Slab();
    for (const length of [200, 316, 1000, 5000, 123_456, 1_052_000]) {
      const handle = slab.allocate(length);
      expect(slab.capacityOf(handle)).to.be.within(length, length * (1 + 1 / 16) + 12);
      slab.free(handle);
    }
  });

  it('slab L1: memory freed in small blocks serves large ones', () => {
    const slab = new Slab();
    const small = Array.from({ length: 40_000 }, () => slab.allocate(300));
    const { reservedBytes } = slab;
    for (const handle of small) slab.free(handle);
    const large = Array.from({ length: 8 }, () => slab.allocate(1_000_000));
    expect(slab.reservedBytes).to.be.at.most(reservedBytes);
    for (const handle of large) slab.free(handle);
    expect(slab.usedBytes).to.equal(0);
  });

  it('slab L3: arenas without blocks are given back, and their numbers used again', () => {
    const slab = new Slab();
    for (let round = 0; round < 5; round++) {
      const handles = Array.from({ length: 30 }, () => slab.allocate(blockBytesMax));
      expect(slab.words.length).to.be.at.most(32);
      for (const handle of handles) slab.free(handle);
      expect(slab.reservedBytes).to.be.at.most(4 * 1024 * 1024);
    }
  });

  it('slab L4: the same calls give the same handles', () => {
    const play = (): number[] => {
      const random = seededRandom('L4');
      const slab = new Slab();
      const given: number[] = [];
      const live: number[] = [];
      for (let i = 0; i < 5000; i++) {
        if (live.length > 0 && random.chance(0.45)) slab.free(live.splice(random.below(live.length), 1)[0] as number);
        else {
          const handle = slab.allocate(random.below(3000));
          live.push(handle);
          given.push(handle);
        }
      }
      return given;
    };
    expect(play()).to.deep.equal(play());
  });
});
