// Inputs made from others
// =============================================================================
//
// An edit is plain data, so that fast-check can draw, shrink and print it; the loop draws edits from a seeded stream. Offsets wrap around,
// so any number is one. Numbers go in as the formats write them: LEB128 varints and little- or big-endian fields, at the edges where counts,
// lengths, depths and epochs go wrong.

import type { Random } from '../../runtime/std/random.js';

export type Edit =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'remove'; readonly at: number; readonly count: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly count: number; readonly times: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  /** The varint that begins there becomes another. */
  | { readonly kind: 'varint'; readonly at: number; readonly value: number }
  | {
      readonly kind: 'field';
      readonly at: number;
      readonly width: 2 | 4 | 8;
      readonly big: boolean;
      readonly value: number;
    }
  /** The number in digits that begins at or behind it becomes another. */
  | { readonly kind: 'digits'; readonly at: number; readonly text: string }
  /** From there on, the other input's bytes. */
  | { readonly kind: 'splice'; readonly at: number; readonly from: number };

/** At and around every limit that formats have. */
export const edgeNumbers: readonly number[] = [
  0,
  1,
  2,
  3,
  15,
  16,
  23,
  24,
  31,
  32,
  33,
  63,
  64,
  65,
  127,
  128,
  255,
  256,
  511,
  512,
  513,
  1000,
  1001,
  4095,
  4096,
  4097,
  10_000,
  10_001,
  16_384,
  65_535,
  65_536,
  1_048_576,
  1_048_577,
  16_777_216,
  16_777_217,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_fffe,
  0xffff_ffff,
  2 ** 32,
  2 ** 48,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 56,
  2 ** 63,
];

export const edgeBytes: readonly number[] = [
  0, 1, 2, 0x1f, 0x20, 0x5f, 0x7f, 0x80, 0x9f, 0xbf, 0xc0, 0xc1, 0xf6, 0xfb, 0xfe, 0xff,
];

const edgeTexts: readonly string[] = [
  '0',
  '-1',
  '-0',
  '1e999',
  '9007199254740993',
  '0.5',
  '99999999999999999999999999',
  'null',
  '[]',
  '{}',
  '""',
];

export function apply(input: Uint8Array, edit: Edit, other: Uint8Array = input): Uint8Array {
  const at = input.length === 0 ? 0 : edit.at % (input.length + 1);
  const put = (removed: number, bytes: Uint8Array): Uint8Array =>
    Buffer.concat([input.subarray(0, at), bytes, input.subarray(Math.min(input.length, at + removed))]);
  switch (edit.kind) {
    case 'flip':
      return put(1, Uint8Array.of((input[at] ?? 0) ^ (1 << (edit.bit & 7))));
    case 'set':
      return put(1, Uint8Array.of(edit.byte));
    case 'cut':
      return input.slice(0, at);
    case 'remove':
      return put(edit.count, new Uint8Array(0));
    case 'repeat': {
      const piece = input.subarray(at, at + edit.count);
      return put(0, Buffer.concat(Array.from({ length: edit.times }, () => piece)));
    }
    case 'insert':
      return put(0, edit.bytes);
    case 'varint': {
      let count = 0;
      while (count < 9 && ((input[at + count] ?? 0) & 0x80) !== 0) count++;
      return put(count + 1, varint(edit.value));
    }
    case 'field':
      return put(edit.width, field(edit.value, edit.width, edit.big));
    case 'digits': {
      const text = Buffer.from(input).toString('latin1');
      const match = /[-+]?\d+(?:\.\d+)?/g;
      match.lastIndex = at;
      const found = match.exec(text);
      if (found === null) return input;
      return Buffer.from(
        `${text.slice(0, found.index)}${edit.text}${text.slice(found.index + found[0].length)}`,
        'latin1',
      );
    }
    case 'splice':
    default:
      return Buffer.concat([
        input.subarray(0, at),
        other.subarray(other.length === 0 ? 0 : edit.from % (other.length + 1)),
      ]);
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Uint8Array.from([...bytes, rest]);
}

function field(value: number, width: 2 | 4 | 8, big: boolean): Uint8Array {
  const bytes = new Uint8Array(width);
  let rest = BigInt(value);
  for (let i = 0; i < width; i++) {
    bytes[big ? width - 1 - i : i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** An edit by chance. `words`: what the format knows. */
export function drawEdit(random: Random, length: number, words: readonly string[]): Edit {
  const at = random.below(length + 1);
  switch (random.below(words.length === 0 ? 10 : 13)) {
    case 0:
      return { kind: 'flip', at, bit: random.below(8) };
    case 1:
      return { kind: 'set', at, byte: random.chance(0.5) ? random.pick(edgeBytes) : random.below(256) };
    case 2:
      return { kind: 'cut', at };
    case 3:
      return { kind: 'remove', at, count: 1 + random.below(random.pick([2, 8, 64])) };
    case 4:
      return { kind: 'repeat', at, count: 1 + random.below(16), times: 1 + random.below(random.pick([2, 40])) };
    case 5:
      return { kind: 'insert', at, bytes: Uint8Array.from({ length: 1 + random.below(9) }, () => random.below(256)) };
    case 6:
    case 7:
      return { kind: 'varint', at, value: random.pick(edgeNumbers) };
    case 8:
      return {
        kind: 'field',
        at,
        width: random.pick([2, 4, 8] as const),
        big: random.chance(0.3),
        value: random.pick(edgeNumbers),
      };
    case 9:
      return { kind: 'splice', at, from: random.below(length + 1) };
    case 10:
      return { kind: 'digits', at, text: random.pick(edgeTexts) };
    default:
      return { kind: 'insert', at, bytes: Buffer.from(random.pick(words)) };
  }
}

const inputBytesMax = 16 * 1024;

/** One to eight edits, one after the other. */
export function mutate(
  random: Random,
  input: Uint8Array,
  other: Uint8Array,
  words: readonly string[] = [],
): Uint8Array {
  let bytes = input;
  for (let count = 1 + random.below(random.pick([1, 3, 8])); count > 0; count--)
    bytes = apply(bytes, drawEdit(random, bytes.length, words), other);
  return new Uint8Array(bytes.subarray(0, inputBytesMax));
}
