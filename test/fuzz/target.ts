// What is fuzzed, and what must hold of any bytes at all
// =============================================================================
//
// A target gives valid samples and tries an input. It throws when a rule is broken; a refusal in the decoder's own words is no failure.
//
// Rules (CORRECTNESS §3.12)
//   Z1. Any bytes are accepted or refused with the decoder's own error, nothing else.
//   Z2. What was accepted is encoded, decoded and encoded again to the same bytes, and means the same.
//   Z3. What is decoded has no more nodes than bytes allow, is nested at most 32 deep, and holds no more bytes than came in, many times over.
//   Z4. No prototype is touched, and none but the language's own is given.
//   Z5. Bytes with a checksum are accepted only if an independent checksum agrees.

import { DecodeError } from '../../runtime/std/byte-reader.js';

export interface Target {
  readonly name: string;
  /** Valid inputs, the same ones each time. */
  samples(): readonly Uint8Array[];
  /** @returns whether it was accepted. @throws when a rule is broken. */
  run(input: Uint8Array): boolean;
  /** The input with its checksums made right, so that what lies behind them is reached, too. */
  repair?(input: Uint8Array): Uint8Array;
  /** Words that mean something to this decoder. */
  readonly words?: readonly string[];
}

/** A broken rule. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
}

export function rule(holds: boolean, text: string): asserts holds {
  if (!holds) throw new RuleError(text);
}

/** What `decode` gives, or undefined when it refuses in its own words. Z1 */
export function accepted<T>(
  decode: () => T,
  isRefusal: (error: unknown) => boolean = (error) => error instanceof DecodeError,
): { readonly value: T } | undefined {
  try {
    return { value: decode() };
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

const depthMax = 32;

export interface Size {
  readonly nodes: number;
  readonly bytes: number;
  readonly depth: number;
}

/** Nodes, bytes and levels of what was decoded; byte strings and texts are one node each. Z3 Z4 */
export function sizeOf(value: unknown, depth = 0): Size {
  rule(depth <= 4 * depthMax, 'Z3: what was decoded is endless');
  if (typeof value === 'string') return { nodes: 1, bytes: value.length, depth };
  if (typeof value !== 'object' || value === null) return { nodes: 1, bytes: 8, depth };
  if (value instanceof Uint8Array) return { nodes: 1, bytes: value.length, depth };
  if (value instanceof Date) return { nodes: 1, bytes: 8, depth };
  const prototype: unknown = Object.getPrototypeOf(value);
  const isOwn =
    prototype === null ||
    prototype === Object.prototype ||
    prototype === Array.prototype ||
    prototype === Map.prototype;
  rule(
    isOwn,
    `Z4: decoded something with the prototype of ${String((prototype as { constructor?: { name?: unknown } }).constructor?.name)}`,
  );
  let nodes = 1;
  let bytes = 0;
  let deepest = depth;
  const parts = value instanceof Map ? [...(value as Map<unknown, unknown>)].flat() : Object.values(value);
  for (const part of parts) {
    const size = sizeOf(part, depth + 1);
    nodes += size.nodes;
    bytes += size.bytes;
    deepest = Math.max(deepest, size.depth);
  }
  return { nodes, bytes, depth: deepest };
}

/** Z3. `levels`: those that the message's own structure has, beside what is nested in it. */
export function checkSize(value: unknown, inputBytes: number, levels = 0): void {
  const { nodes, bytes, depth } = sizeOf(value);
  rule(nodes <= 8 * inputBytes + 64, `Z3: ${nodes} nodes of ${inputBytes} bytes`);
  rule(bytes <= 64 * inputBytes + 1024, `Z3: ${bytes} bytes of ${inputBytes}`);
  rule(depth <= depthMax + levels, `Z3: nested ${depth} deep`);
}

const guarded = [Object.prototype, Array.prototype, Map.prototype, Uint8Array.prototype, Function.prototype];
const before = guarded.map((prototype) => [...Object.getOwnPropertyNames(prototype)].join(' '));

/** Z4 */
export function checkPrototypes(): void {
  guarded.forEach((prototype, i) => {
    rule(Object.getOwnPropertyNames(prototype).join(' ') === before[i], 'Z4: a prototype was changed');
  });
}

/** Equal in everything that can be seen: also -0 and 0, and the order of keys. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof Map && b instanceof Map)
    return same([...(a as Map<unknown, unknown>)], [...(b as Map<unknown, unknown>)]);
  const keys = Object.keys(a);
  const others = Object.keys(b);
  return (
    keys.length === others.length &&
    keys.every((key, i) => key === others[i] && same(a[key as keyof typeof a], b[key as keyof typeof b]))
  );
}

/** Z2, for a codec whose decoded form is plain data. `value` was decoded from the input. */
export function checkRoundTrip<T>(value: T, encode: (value: T) => Uint8Array, decode: (bytes: Uint8Array) => T): void {
  const first = encode(value);
  const again = decode(first);
  rule(same(again, value), 'Z2: encoded and decoded, it is another');
  rule(Buffer.compare(encode(again), first) === 0, 'Z2: encoded twice, the bytes differ');
}
