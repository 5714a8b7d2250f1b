import { expect } from 'chai';
import fc from 'fast-check';
import { assert, assertCount, AssertionError, present, unreachable } from '../../../runtime/std/assert.js';
import { compareBytes, concatBytes, equalBytes, fromHex, toHex } from '../../../runtime/std/bytes.js';
import { crc32 } from '../../../runtime/std/crc32.js';
import { Heap } from '../../../runtime/std/heap.js';
import { Queue } from '../../../runtime/std/queue.js';

describe('assert', () => {
  it('throws AssertionError with its message, and only then', () => {
    assert(true, 'fine');
    expect(() => assert(false, 'P1: broken')).to.throw(AssertionError, 'P1: broken');
    expect(present(0, 'there')).to.equal(0);
    expect(() => present(undefined, 'gone')).to.throw(AssertionError, 'gone');
    expect(() => present(null, 'gone')).to.throw(AssertionError, 'gone');
    expect(() => unreachable({ kind: 'new' } as never)).to.throw(AssertionError, '"new"');
    assertCount(0, 'n');
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(() => assertCount(bad, 'offset')).to.throw(AssertionError, 'offset');
  });
});

describe('byte strings', () => {
  it('compare as Buffer does, join, and survive hexadecimal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8, max: 3 }), fc.uint8Array({ maxLength: 8, max: 3 }), (a, b) => {
        expect(Math.sign(compareBytes(a, b))).to.equal(Buffer.compare(a, b));
        expect(equalBytes(a, b)).to.equal(Buffer.compare(a, b) === 0);
        expect([...concatBytes([a, b])]).to.deep.equal([...a, ...b]);
        expect(fromHex(toHex(a))).to.deep.equal(a);
      }),
    );
    expect(() => fromHex('abc')).to.throw(TypeError);
    expect(() => fromHex('zz')).to.throw(TypeError);
  });
});

describe('crc32', () => {
  it('is the checksum of zlib, and can be continued', () => {
    const text = new TextEncoder().encode('123456789');
    expect(crc32(text)).to.equal(0xcbf43926);
    expect(crc32(text.subarray(4), crc32(text.subarray(0, 4)))).to.equal(0xcbf43926);
    expect(crc32(new Uint8Array(0))).to.equal(0);
  });
});

describe('heap', () => {
  it('gives the smallest first, whatever was pushed and popped between', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer()), { maxLength: 200 }), (steps) => {
        const heap = new Heap<{ readonly value: number; readonly sequence: number }>((a, b) =>
          a.value !== b.value ? a.value < b.value : a.sequence < b.sequence,
        );
        const model: { value: number; sequence: number }[] = [];
        const pop = (): void => {
          model.sort((a, b) => a.value - b.value || a.sequence - b.sequence);
          expect(heap.peek()).to.equal(model[0]);
          expect(heap.pop()).to.equal(model.shift());
          expect(heap.size).to.equal(model.length);
        };
        steps.forEach((value, sequence) => {
          if (value === null) return pop();
          const item = { value, sequence };
          heap.push(item);
          model.push(item);
        });
        while (model.length > 0) pop();
        expect(heap.pop()).to.equal(undefined);
      }),
    );
  });

  it('can be emptied at once', () => {
    const heap = new Heap<number>((a, b) => a < b);
    heap.push(1);
    heap.clear();
    expect(heap.size).to.equal(0);
    expect(heap.peek()).to.equal(undefined);
  });
});

describe('queue', () => {
  it('is first in first out, like an array', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat()), { maxLength: 300 }), (steps) => {
        const queue = new Queue<number>();
        const model: number[] = [];
        for (const step of steps) {
          if (step === null) expect(queue.shift()).to.equal(model.shift());
          else {
            queue.push(step);
            model.push(step);
          }
          expect(queue.size).to.equal(model.length);
          expect(queue.peek()).to.equal(model[0]);
          expect(queue.at(model.length - 1)).to.equal(model.at(-1));
          expect(queue.at(model.length)).to.equal(undefined);
        }
        queue.clear();
        expect(queue.size).to.equal(0);
        expect(queue.shift()).to.equal(undefined);
      }),
    );
  });
});
