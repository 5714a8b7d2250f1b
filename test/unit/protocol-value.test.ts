import { expect } from 'chai';
import { limits } from '../../messaging/protocol/limits.js';
import {
  decodeValue,
  encodeValue,
  fromPrintable,
  incrementValue,
  isNumberValue,
  toPrintable,
} from '../../messaging/protocol/value.js';
import { DecodeError } from '../../runtime/std/byte-reader.js';
import { fromHex, toHex } from '../../runtime/std/bytes.js';

function roundTrip(value: unknown): unknown {
  return decodeValue(encodeValue(value));
}

/** `[[…[leaf]…]]` with that many lists. */
function nest(levels: number, leaf: unknown): unknown {
  let value = leaf;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

describe('messaging/protocol/value', () => {
  it('value-codec V1: everything comes back as it went in', () => {
    const values: unknown[] = [
      null,
      true,
      false,
      '',
      'text',
      'é ключ 文字 😀',
      'long '.repeat(1000),
      0,
      1,
      -1,
      23,
      24,
      255,
      256,
      65535,
      65536,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 53,
      -(2 ** 31),
      -(2 ** 31) - 1,
      -(2 ** 32),
      -(2 ** 32) - 1,
      -8589934603,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      Number.MAX_VALUE,
      Number.MIN_VALUE,
      0.1,
      -1.5,
      0n,
      1n,
      -1n,
      2n ** 63n,
      2n ** 64n - 1n,
      2n ** 64n,
      -(2n ** 64n),
      -(2n ** 64n) - 1n,
      10n ** 600n,
      new Date(0),
      new Date(1),
      new Date(-1),
      new Date(1_700_000_000_123),
      new Date(2 ** 42 * 1000 - 1),
      new Date(-(2 ** 42) * 1000 + 1),
      new Uint8Array(0),
      Uint8Array.of(0, 255, 1),
      new Uint8Array(70_000).fill(3),
      [],
      {},
      [[], {}, [null]],
      { a: { b: [1, { c: new Date(5), d: 7n, e: Uint8Array.of(1) }] } },
      { '': 1, ' ': 2, '1': 3, 'a.b': 4 },
      Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i])),
    ];
    for (const value of values) expect(roundTrip(value)).to.deep.equal(value);
    expect(Object.is(roundTrip(-0), -0)).to.equal(true);
    expect(Object.is((roundTrip({ a: [-0] }) as { a: number[] }).a[0], -0)).to.equal(true);
  });

  it('value-codec V1: undefined is dropped from objects and null in lists, as in JSON', () => {
    expect(roundTrip({ a: undefined, b: 1 })).to.deep.equal({ b: 1 });
    expect(roundTrip({ a: undefined })).to.deep.equal({});
    expect(roundTrip([undefined, 1, undefined])).to.deep.equal([null, 1, null]);
    expect(roundTrip(Object.assign([1], { length: 3 }))).to.deep.equal([1, null, null]);
    expect(() => encodeValue(undefined)).to.throw(TypeError, /^value is undefined/);
  });

  it('value-codec V1: a Buffer comes back as a Uint8Array, and bytes read from a Buffer too', () => {
    const bytes = encodeValue({ b: Buffer.from([1, 2]) });
    expect(bytes).to.deep.equal(encodeValue({ b: Uint8Array.of(1, 2) }));
    const back = decodeValue(Buffer.from(bytes)) as { b: Uint8Array };
    expect(back.b.constructor).to.equal(Uint8Array);
    expect(back).to.deep.equal({ b: Uint8Array.of(1, 2) });
  });

  it('value-codec V1: what is decoded shares no memory with the source', () => {
    const bytes = encodeValue({ b: Uint8Array.of(1, 2), t: 'text' });
    const back = decodeValue(bytes);
    bytes.fill(0);
    decodeValue(encodeValue({ b: Uint8Array.of(9, 9), t: 'else' }));
    expect(back).to.deep.equal({ b: Uint8Array.of(1, 2), t: 'text' });
  });

  it('value-codec V2: refuses with the path', () => {
    class Point {
      readonly x = 1;
    }
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const refused: [unknown, RegExp][] = [
      [() => 1, /^value is a function$/],
      [{ items: [0, 1, 2, { fn: () => 1 }] }, /^value\.items\[3\]\.fn is a function$/],
      [{ s: Symbol('s') }, /^value\.s is a symbol$/],
      [{ [Symbol('s')]: 1 }, /^value has a symbol as a key$/],
      [{ p: new Point() }, /^value\.p is an instance of Point$/],
      [{ 'a b': new Map() }, /^value\["a b"\] is an instance of Map$/],
      [[new Set()], /^value\[0\] is an instance of Set$/],
      [/x/, /^value is an instance of RegExp$/],
      [new Error('e'), /^value is an instance of Error$/],
      [Promise.resolve(1), /^value is an instance of Promise$/],
      [[Object(1)], /^value\[0\] is an instance of Number$/],
      [new Uint16Array(1), /^value is an instance of Uint16Array$/],
      [new ArrayBuffer(1), /^value is an instance of ArrayBuffer$/],
      [new (class Numbers extends Array {})(), /derived from Array/],
      [{ n: NaN }, /^value\.n is NaN/],
      [{ n: [-Infinity] }, /^value\.n\[0\] is -Infinity/],
      [{ d: new Date(NaN) }, /^value\.d is an invalid date$/],
      [[new Date(8.64e15)], /^value\[0\] is a date beyond the year 139,000$/],
      ['a\ud800b', /^value has a lone surrogate/],
      [{ a: { '\udc00': 1 } }, /^value\.a\["\\udc00"\] has a lone surrogate in its name/],
      [cycle, /nested more than 32 deep, or contains itself/],
      [{ b: 2n ** 8192n }, /^value\.b is a BigInt of more than 1024 bytes$/],
    ];
    for (const [value, message] of refused)
      expect(() => encodeValue(value), String(message)).to.throw(TypeError, message);
  });

  it('value-codec V2: nesting ends at limits.depthMax, for writing and reading alike', () => {
    for (const leaf of [1, new Date(5), 10n ** 40n, Uint8Array.of(1)]) {
      const deepest = nest(limits.depthMax, leaf);
      expect(roundTrip(deepest)).to.deep.equal(deepest);
    }
    expect(roundTrip(nest(limits.depthMax, []))).to.deep.equal(nest(limits.depthMax, []));
    expect(() => encodeValue(nest(limits.depthMax + 1, []))).to.throw(TypeError, /nested more than/);
    const deeper = fromHex(`${'81'.repeat(limits.depthMax + 1)}01`);
    expect(() => decodeValue(deeper)).to.throw(DecodeError, /nested/);
    expect(() => decodeValue(fromHex(`${'81'.repeat(100_000)}01`))).to.throw(DecodeError);
    expect(() => decodeValue(fromHex(`${'c1'.repeat(100_000)}01`))).to.throw(DecodeError);
  });

  it('value-codec V3: no key is special', () => {
    const names = [
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'toJSON',
      'hasOwnProperty',
      'valueOf',
      'then',
      'length',
    ];
    for (const name of names) {
      for (const inner of ['1', '"text"', '{"polluted":1}', '{"__proto__":{"polluted":1}}', 'null', '[]']) {
        const value = JSON.parse(`{"a":{"${name}":${inner}},"${name}":${inner},"l":[{"${name}":${inner}}]}`) as object;
        const back = roundTrip(value) as object;
        expect(JSON.stringify(back)).to.equal(JSON.stringify(value));
        expect(Object.keys(back)).to.deep.equal(Object.keys(value));
        expect(Object.getPrototypeOf(back)).to.equal(Object.prototype);
        expect(JSON.stringify(fromPrintable(toPrintable(value)))).to.equal(JSON.stringify(value));
        expect(({} as { polluted?: unknown }).polluted).to.equal(undefined);
      }
    }
    const bare = Object.assign(Object.create(null) as object, { a: 1 });
    expect(roundTrip(bare)).to.deep.equal({ a: 1 });
  });

  it('value-codec V4: the bytes of a value, for ever', () => {
    const golden: [unknown, string][] = [
      [{ name: 'Ada', age: 36 }, 'a2646e616d6563416461636167651824'],
      [[1, -1, 1.5, true, null], '850120fb3ff8000000000000f5f6'],
      [new Date(1_700_000_000_123), 'c1fb41d954fc4007df3b'],
      [5n, '1b0000000000000005'],
      [-0, 'fb8000000000000000'],
      [Uint8Array.of(1, 2), '420102'],
    ];
    for (const [value, hex] of golden) {
      expect(toHex(encodeValue(value))).to.equal(hex);
      expect(decodeValue(fromHex(hex))).to.deep.equal(value);
    }
  });

  it('value-codec V5, cbor-scan C4: bytes that are no value give a DecodeError', () => {
    const refused = [
      '', // nothing
      '18', // truncated
      '0101', // two items
      '9f01ff', // indefinite length
      'bf6161 01ff',
      '7f616161ff',
      'f7', // undefined
      'e0', // simple value
      'f820',
      'd81c01', // sharing
      'd81b8263466f6f01', // an object of another language
      'd9010380', // a Map
      'd9dff901', // cbor-x's own
      'a10102', // a key that is no text
      'a1f602',
      'a14161 02',
      'c161 61', // a date that is no number
      'c1c101',
      'c1fb7ff8000000000000', // an invalid date
      'c1fb7e37e43c8800759c',
      'c21a01020304', // a big number that is no byte string
      '61ff', // not UTF-8
      '62c080',
      '63eda080',
      '64f4908080',
      'a161ff01',
      '9b7fffffffffffffff', // counts beyond the bytes
      'bb7fffffffffffffff',
      '5a7fffffff00',
      `c2590401${'ff'.repeat(1025)}`,
    ];
    for (const hex of refused) {
      expect(() => decodeValue(fromHex(hex.replaceAll(' ', ''))), hex).to.throw(DecodeError);
    }
  });

  it('value-number N1: adds as JavaScript does', () => {
    const sum = (a: unknown, b: unknown): unknown => {
      const bytes = incrementValue(a === undefined ? undefined : encodeValue(a), encodeValue(b));
      return bytes && decodeValue(bytes);
    };
    expect(sum(undefined, 5)).to.equal(5);
    expect(sum(undefined, 5n)).to.equal(5n);
    expect(sum(1, 2)).to.equal(3);
    expect(sum(0.1, 0.2)).to.equal(0.1 + 0.2);
    expect(sum(5, -7)).to.equal(-2);
    expect(sum(2 ** 53, 1)).to.equal(2 ** 53);
    expect(sum(2n ** 64n, 1n)).to.equal(2n ** 64n + 1n);
    expect(sum(1, 1n)).to.equal(undefined);
    expect(sum(1n, 1)).to.equal(undefined);
    for (const other of ['1', null, true, [1], { n: 1 }, new Date(1), Uint8Array.of(1), 'x'.repeat(5000)]) {
      expect(sum(other, 1)).to.equal(undefined);
      expect(sum(1, other)).to.equal(undefined);
      expect(sum(undefined, other)).to.equal(undefined);
      expect(isNumberValue(encodeValue(other))).to.equal(false);
    }
    expect(isNumberValue(encodeValue(1))).to.equal(true);
    expect(isNumberValue(encodeValue(-(10n ** 99n)))).to.equal(true);
  });

  it('value-number N2: no sum beyond the numbers, and no bytes that crash it', () => {
    const largest = encodeValue(Number.MAX_VALUE);
    expect(incrementValue(largest, largest)).to.equal(undefined);
    const big = encodeValue(2n ** 8192n - 1n);
    expect(incrementValue(big, encodeValue(1n))).to.equal(undefined);
    for (const hex of ['', '18', 'fb7ff8000000000000', 'f97c00', 'c2', 'c0', '0101']) {
      expect(incrementValue(fromHex(hex), encodeValue(1)), hex).to.equal(undefined);
      expect(incrementValue(undefined, fromHex(hex)), hex).to.equal(undefined);
    }
  });

  it('value-printable J1: prints as JSON and reads it back', () => {
    const printed: [unknown, string][] = [
      [{ a: 1n }, '{"a":{"$bigint":"1"}}'],
      [[Uint8Array.of(1, 2, 3)], '[{"$bytes":"AQID"}]'],
      [new Date(0), '{"$date":"1970-01-01T00:00:00.000Z"}'],
      [-0, '{"$number":"-0"}'],
      [{ $date: 'mine' }, '{"$$date":"mine"}'],
      [{ $$bytes: 1n }, '{"$$$bytes":{"$bigint":"1"}}'],
      [{ $date: 1, also: 2 }, '{"$date":1,"also":2}'],
      [{ $other: 1 }, '{"$other":1}'],
    ];
    for (const [value, text] of printed) {
      expect(JSON.stringify(toPrintable(value))).to.equal(text);
      const back = fromPrintable(JSON.parse(text));
      expect(back).to.deep.equal(value);
      if (value === 0) expect(Object.is(back, -0)).to.equal(true);
    }
    const long = new Uint8Array(100_000).map((_, i) => i * 7);
    expect(fromPrintable(toPrintable(long))).to.deep.equal(long);
    for (const date of [new Date(8.64e15), new Date(-8.64e15)])
      expect(fromPrintable(toPrintable(date))).to.deep.equal(date);
  });

  it('value-printable J1: a $ form that is none is a TypeError that says so', () => {
    for (const text of [
      '{"$bigint":"x"}',
      '{"$bigint":5}',
      '{"$bytes":"%"}',
      '{"$bytes":"AQI"}',
      '{"$date":"yesterday"}',
      '{"$date":"2026-01-01T00:00"}',
      '{"$number":"1"}',
    ]) {
      expect(() => fromPrintable(JSON.parse(text)), text).to.throw(TypeError, /write "\$\$/);
    }
  });
});
