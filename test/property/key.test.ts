// Property: keys sort like their bytes

import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeKey,
  encodeKey,
  encodePrefix,
  type Key,
  type KeyElement,
  partitionKeyBytes,
} from '../../messaging/protocol/key.js';
import { DecodeError } from '../../runtime/std/byte-reader.js';
import { compareBytes } from '../../runtime/std/bytes.js';

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('\0', 'a', 'b', 'ÿ', '\uffff', '😀'), maxLength: 5 }),
);
const bytes = fc.uint8Array({ maxLength: 5 }).map((each) => Uint8Array.from(each));
const numbers = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.maxSafeInteger());
const elements: fc.Arbitrary<KeyElement> = fc.oneof(texts, numbers, fc.boolean(), bytes);
const isEmpty = (element: KeyElement | undefined): boolean =>
  typeof element === 'string' || element instanceof Uint8Array ? element.length === 0 : false;
const keys: fc.Arbitrary<KeyElement[]> = fc
  .array(elements, { minLength: 1, maxLength: 4 })
  .filter((key) => !isEmpty(key[0]));

/** The documented order, by itself. */
function compareKeys(a: readonly KeyElement[], b: readonly KeyElement[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareElements(a[i] as KeyElement, b[i] as KeyElement);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareElements(a: KeyElement, b: KeyElement): number {
  const rank = (element: KeyElement): number =>
    element instanceof Uint8Array ? 0 : ['string', 'number', 'boolean'].indexOf(typeof element) + 1;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (a instanceof Uint8Array) return compareBytes(a, b as Uint8Array);
  if (typeof a === 'number') return a - (b as number);
  if (typeof a === 'boolean') return Number(a) - Number(b);
  const [left, right] = [Array.from(a), Array.from(b as string)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = (left[i] as string).codePointAt(0)! - (right[i] as string).codePointAt(0)!;
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

describe('property: key', () => {
  it('key K1: bytes compare as the elements do', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        expect(Math.sign(compareBytes(encodeKey(a), encodeKey(b)))).to.equal(Math.sign(compareKeys(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  it('key K2: round trip, and the first element is the partition key', () => {
    fc.assert(
      fc.property(keys, (key) => {
        const encoded = encodeKey(key);
        const decoded = decodeKey(encoded);
        const plain = key.map((element) => (Object.is(element, -0) ? 0 : element));
        expect(typeof decoded === 'string' ? [decoded] : decoded).to.deep.equal(plain);
        expect(encodeKey(decoded)).to.deep.equal(encoded);
        expect(partitionKeyBytes(encoded)).to.deep.equal(encodeKey([key[0] as KeyElement]));
      }),
      { numRuns: 1000 },
    );
  });

  it('key K2 K3: any bytes give a DecodeError or the key that has exactly these bytes', () => {
    const seeds = fc.oneof(
      fc.uint8Array({ maxLength: 24 }),
      fc
        .array(fc.constantFrom(0, 1, 2, 0x21, 0x26, 0x27, 0x61, 0xff, 0x80), { maxLength: 14 })
        .map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(seeds, (source) => {
        const given = Uint8Array.from(source);
        let key: Key;
        try {
          key = decodeKey(given);
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError);
          return;
        }
        expect(encodeKey(key)).to.deep.equal(given);
      }),
      { numRuns: 3000 },
    );
  });

  it('key K4: prefixes of tuples and of text', () => {
    const inside = (range: { start: Uint8Array; end: Uint8Array }, key: Key): boolean => {
      const encoded = encodeKey(key);
      return (
        compareBytes(range.start, encoded) <= 0 && (range.end.length === 0 || compareBytes(encoded, range.end) < 0)
      );
    };
    fc.assert(
      fc.property(keys, keys, fc.nat(4), (prefix, rest, count) => {
        const long = [...prefix, ...rest];
        expect(inside(encodePrefix(prefix), long)).to.equal(true);
        const begins =
          rest.length >= prefix.length &&
          prefix.every((element, i) => compareElements(element, rest[i] as KeyElement) === 0);
        expect(inside(encodePrefix(prefix), rest)).to.equal(begins);
        const first = rest[0];
        if (typeof first !== 'string') return;
        const text = Array.from(first).slice(0, count).join('');
        expect(inside(encodePrefix(text), rest)).to.equal(true);
        const own = prefix[0];
        expect(inside(encodePrefix(text), prefix)).to.equal(typeof own === 'string' && own.startsWith(text));
      }),
      { numRuns: 1500 },
    );
  });
});
