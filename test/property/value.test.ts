// Property: values come back as they went in, and no bytes crash the decoder

import { Decoder, Encoder } from 'cbor-x';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeValue,
  encodeValue,
  fromPrintable,
  incrementValue,
  toPrintable,
} from '../../messaging/protocol/value.js';
import { DecodeError } from '../../runtime/std/byte-reader.js';
import { assert as invariant } from '../../runtime/std/assert.js';

const names = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'hasOwnProperty', '$date', '$$bytes', 'a'),
);
const leaves = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt(),
  fc
    .date({ noInvalidDate: true, min: new Date(-(2 ** 42) * 1000 + 1), max: new Date(2 ** 42 * 1000 - 1) })
    .map((date) => new Date(date.getTime())),
  fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
);

/** An object with exactly these own properties. */
function record(entries: readonly [string, unknown][]): object {
  const fields = {};
  for (const [key, value] of entries)
    Object.defineProperty(fields, key, { value, writable: true, enumerable: true, configurable: true });
  return fields;
}

const { values } = fc.letrec<{ values: unknown }>((tie) => ({
  values: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaves,
    fc.array(tie('values'), { maxLength: 5 }),
    fc.array(fc.tuple(names, tie('values')), { maxLength: 5 }).map(record),
  ),
}));

/** Equality that tells -0 from 0, and looks at own keys and prototypes. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return a.getTime() === (b as Date).getTime();
  const [keysA, keysB] = [Object.keys(a), Object.keys(b)];
  const field = (value: object, key: string): unknown => Object.getOwnPropertyDescriptor(value, key)?.value;
  return (
    keysA.length === keysB.length && keysA.every((key, i) => key === keysB[i] && same(field(a, key), field(b, key)))
  );
}

describe('property: value', () => {
  it('value-codec V1 V3: round trip', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(same(decodeValue(encodeValue(value)), value)).to.equal(true);
        expect(({} as { polluted?: unknown }).polluted).to.equal(undefined);
      }),
      { numRuns: 1500 },
    );
  });

  it('value-codec V4: what cbor-x can write is written as cbor-x does, by hand too', () => {
    const encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false });
    const plain = fc
      .jsonValue({ maxDepth: 4 })
      .filter(
        (value) =>
          !/-0\b|__proto__|constructor|toJSON|hasOwn/.test(JSON.stringify(value)) &&
          same(JSON.parse(JSON.stringify(value)), value),
      );
    fc.assert(
      fc.property(plain, (value) => {
        const byEncoder = Uint8Array.from(encoder.encode(value));
        expect(encodeValue(value)).to.deep.equal(byEncoder);
        // An undefined field makes the whole be written by hand.
        const byHand = encodeValue([value, { gone: undefined }]);
        expect(byHand).to.deep.equal(Uint8Array.from([0x82, ...byEncoder, ...encodeValue({})]));
      }),
      { numRuns: 500 },
    );
  });

  it('value-codec V5: any bytes, and any damage, give a value or a DecodeError', () => {
    const damaged = fc.tuple(values, fc.nat(), fc.nat(255), fc.nat()).map(([value, at, byte, cut]) => {
      const bytes = encodeValue(value).slice();
      bytes[at % bytes.length] = byte;
      return cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), damaged), (bytes) => {
        let value: unknown;
        try {
          value = decodeValue(Uint8Array.from(bytes));
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError);
          return;
        }
        invariant(({} as { polluted?: unknown }).polluted === undefined, 'V3');
        JSON.stringify(toPrintable(value)); // whatever it is, it can be printed
      }),
      { numRuns: 3000 },
    );
  });

  it('value-codec V5: what is taken is what another decoder reads', () => {
    const other = new Decoder({ useRecords: false, mapsAsObjects: false });
    const plain = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(plain);
      return value instanceof Map
        ? record([...(value as Map<string, unknown>)].map(([key, each]) => [key, plain(each)]))
        : value instanceof Uint8Array
          ? Uint8Array.from(value)
          : value;
    };
    fc.assert(
      fc.property(values, (value) => {
        expect(same(plain(other.decode(encodeValue(value))), value)).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  it('value-number N1: increments are sums', () => {
    const both = fc.oneof(fc.tuple(fc.maxSafeInteger(), fc.maxSafeInteger()), fc.tuple(fc.bigInt(), fc.bigInt()));
    fc.assert(
      fc.property(both, ([a, b]) => {
        const sum = incrementValue(encodeValue(a), encodeValue(b));
        expect(sum && decodeValue(sum)).to.equal(typeof a === 'bigint' ? a + (b as bigint) : a + (b as number));
      }),
    );
  });

  it('value-printable J1: through JSON and back', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(same(fromPrintable(JSON.parse(JSON.stringify(toPrintable(value)))), value)).to.equal(true);
      }),
      { numRuns: 1000 },
    );
  });
});
