import { expect } from 'chai';
import fc from 'fast-check';

import { BytePage } from '../../../runtime/std/byte-page.js';

describe('byte page', () => {
  it('gives zeroed bytes that nobody else has, whatever the sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 60 }), fc.integer({ min: 16, max: 256 }), (lengths, pageBytes) => {
        const page = new BytePage(pageBytes);
        const taken = lengths.map((length, i) => {
          const bytes = page.take(length);
          expect(bytes.length).to.equal(length);
          expect(bytes.every((byte) => byte === 0)).to.equal(true);
          return bytes.fill(1 + (i % 255));
        });
        for (const [i, bytes] of taken.entries()) expect(bytes.every((byte) => byte === 1 + (i % 255))).to.equal(true);
      }),
    );
  });

  it('lets small strings share a page, and gives a quarter page and more memory of its own', () => {
    const page = new BytePage(64);
    const [first, second] = [page.take(16), page.take(16)];
    expect(second.buffer).to.equal(first.buffer);
    expect(second.byteOffset).to.equal(16);
    const large = page.take(17);
    expect(large.buffer).to.not.equal(first.buffer);
    expect(large.buffer.byteLength).to.equal(17);
    expect(page.take(16).buffer, 'large ones do not end the page').to.equal(first.buffer);
  });

  it('begins a new page when the rest is too short', () => {
    const page = new BytePage(64);
    const first = page.take(15);
    for (let i = 0; i < 3; i++) page.take(15);
    expect(page.take(15).buffer).to.not.equal(first.buffer);
  });

  it('copies: later changes of the original are not seen', () => {
    const original = Uint8Array.of(1, 2, 3);
    const copy = new BytePage().copy(original);
    original.fill(9);
    expect([...copy]).to.deep.equal([1, 2, 3]);
    expect(new BytePage().copy(new Uint8Array(0)).length).to.equal(0);
  });
});
