import { expect } from 'chai';
import fc from 'fast-check';
import { AssertionError } from '../../../runtime/std/assert.js';
import { ByteReader, DecodeError } from '../../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../../runtime/std/byte-writer.js';

const safe = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 0x7f, 0x80, 2 ** 32, Number.MAX_SAFE_INTEGER));

type Field =
  | { readonly as: 'u8' | 'u16' | 'u32' | 'u64' | 'varint' | 'f64'; readonly value: number }
  | { readonly as: 'bool'; readonly value: boolean }
  | { readonly as: 'string'; readonly value: string }
  | { readonly as: 'bytes'; readonly value: Uint8Array };

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ as: fc.constant('u8' as const), value: fc.nat(0xff) }),
  fc.record({ as: fc.constant('u16' as const), value: fc.nat(0xffff) }),
  fc.record({ as: fc.constant('u32' as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ as: fc.constant('u64' as const), value: safe }),
  fc.record({ as: fc.constant('varint' as const), value: safe }),
  fc.record({ as: fc.constant('f64' as const), value: fc.double() }),
  fc.record({ as: fc.constant('bool' as const), value: fc.boolean() }),
  fc.record({ as: fc.constant('string' as const), value: fc.string({ unit: 'grapheme', maxLength: 100 }) }),
  fc.record({ as: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 300 }) }),
);

function write(writer: ByteWriter, { as, value }: Field): void {
  switch (as) {
    case 'bool':
      return writer.bool(value);
    case 'string':
      return writer.string(value);
    case 'bytes':
      return writer.bytes(value);
    default:
      return writer[as](value);
  }
}

function read(reader: ByteReader, { as }: Field): unknown {
  return as === 'bytes' ? reader.bytes().slice() : reader[as]();
}

describe('byte writer and reader', () => {
  it('give back what was written', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 30 }), (fields) => {
        const writer = new ByteWriter(1);
        for (const one of fields) write(writer, one);
        const reader = new ByteReader(writer.finish());
        for (const one of fields) expect(read(reader, one)).to.deep.equal(one.value);
        reader.end();
      }),
    );
  });

  it('B1. a cut buffer throws DecodeError, whatever it held', () => {
    fc.assert(
      fc.property(
        fc.array(field, { minLength: 1, maxLength: 10 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (fields, share) => {
          const writer = new ByteWriter();
          for (const one of fields) write(writer, one);
          const whole = writer.finish();
          const reader = new ByteReader(whole.subarray(0, Math.floor(whole.length * share * 0.999)));
          expect(() => {
            for (const one of fields) read(reader, one);
          }).to.throw(DecodeError);
        },
      ),
    );
  });

  it('B1. any bytes give values or a DecodeError, and never more than there is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(field, { maxLength: 10 }), (bytes, fields) => {
        const reader = new ByteReader(bytes);
        try {
          for (const one of fields) read(reader, one);
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError);
        }
        expect(reader.position).to.be.at.most(bytes.length);
      }),
    );
  });

  it('B1. reads only its own part of a buffer, and none beyond the buffer', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
    expect(() => new ByteReader(bytes, -1)).to.throw(DecodeError);
    const reader = new ByteReader(bytes, 2, 4);
    expect(reader.remaining).to.equal(2);
    expect(reader.u16()).to.equal(0x0403);
    expect(() => reader.u8()).to.throw(DecodeError);
    expect(() => new ByteReader(bytes, 0, 7)).to.throw(DecodeError);
    expect(() => new ByteReader(bytes, 5, 4)).to.throw(DecodeError);
  });

  it('B2. a count is refused when its elements cannot fit, before anything is allocated', () => {
    const counted = (count: number): ByteReader => {
      const writer = new ByteWriter();
      writer.varint(count);
      writer.raw(new Uint8Array(10));
      return new ByteReader(writer.finish());
    };
    expect(counted(10).count(1)).to.equal(10);
    expect(() => counted(11).count(1)).to.throw(DecodeError);
    expect(() => counted(6).count(2)).to.throw(DecodeError);
    expect(() => counted(Number.MAX_SAFE_INTEGER).count(8)).to.throw(DecodeError);
    expect(() => counted(3).count(1, 2)).to.throw(DecodeError);
  });

  it('refuse integers that are not safe', () => {
    const writer = new ByteWriter();
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) {
      expect(() => writer.u64(value)).to.throw(AssertionError);
      expect(() => writer.varint(value)).to.throw(AssertionError);
    }
    expect(() => new ByteReader(new Uint8Array(8).fill(0xff)).u64()).to.throw(DecodeError);
    expect(() => new ByteReader(new Uint8Array(9).fill(0xff)).varint()).to.throw(DecodeError);
    expect(() => new ByteReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)).varint()).to.throw(
      DecodeError,
    );
  });

  it('read names that share a place in the memory of names as what they are', () => {
    const names = Array.from({ length: 3000 }, (_, i) => `partition-${i}`);
    for (const round of [names, names.toReversed()]) {
      for (const name of round) {
        const writer = new ByteWriter();
        writer.string(name);
        const bytes = writer.finish();
        expect(new ByteReader(bytes).string()).to.equal(name);
        bytes.fill(0); // what is remembered is no view
      }
    }
    expect(new ByteReader(Uint8Array.of(0)).string()).to.equal('');
  });

  it('refuse bad booleans, bad UTF-8, long strings and left-over bytes', () => {
    expect(() => new ByteReader(Uint8Array.of(2)).bool()).to.throw(DecodeError);
    expect(() => new ByteReader(Uint8Array.of(2, 0xc3, 0x28)).string()).to.throw(DecodeError, 'UTF-8');
    expect(() => new ByteReader(Uint8Array.of(3, 65, 65, 65)).string(2)).to.throw(DecodeError);
    expect(() => new ByteReader(Uint8Array.of(1)).end()).to.throw(DecodeError);
  });

  it('patch a number written before, and hand out copies', () => {
    const writer = new ByteWriter();
    writer.u32(0);
    writer.u8(7);
    writer.patchU32(0, 0xdeadbeef);
    const first = writer.finish();
    expect(writer.length).to.equal(0);
    writer.u32(1);
    expect([...first]).to.deep.equal([0xef, 0xbe, 0xad, 0xde, 7]);
    expect(() => writer.patchU32(1, 0)).to.throw(AssertionError);
  });
});
