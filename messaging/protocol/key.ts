// Keys to bytes that sort like them, and back
// =============================================================================
//
// KEY-FORMAT.md is the format. Clients encode; servers compare bytes, and hash the first element's.
//
// Invariants
//   K1. compareBytes(encodeKey(a), encodeKey(b)) orders keys element by element, as KEY-FORMAT.md says.
//   K2. Each key has one encoding: decodeKey takes no other bytes, and encodeKey(decodeKey(bytes)) equals bytes.
//   K3. What cannot be a key is refused with a TypeError that says where and why; any bytes give a key or a DecodeError.
//   K4. encodePrefix(p) holds exactly the keys that begin with p.
//
// Sources: FoundationDB, design/tuple.md.

import { DecodeError } from '../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import { emptyBytes, toHex } from '../../runtime/std/bytes.js';
import { limits } from './limits.js';

export type KeyElement = string | number | boolean | Uint8Array;
/** A string, or `[partitionKey, ...sortKey]`. A tuple of one string is that string. */
export type Key = string | readonly KeyElement[];

/** `start` is included, `end` is not; an empty `start` is the first key, an empty `end` is beyond the last. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

const codeBytes = 0x01;
const codeString = 0x02;
const codeDouble = 0x21;
const codeFalse = 0x26;
const codeTrue = 0x27;
/** Above every code, so that it ends a tuple's continuations. */
const afterCodes = 0xff;

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const doubleView = new DataView(new ArrayBuffer(8));
const doubleBytes = new Uint8Array(doubleView.buffer);
const writer = new ByteWriter(512);

/**
 * The bytes are the caller's own. Sizes are not checked here: see `isKeyTooLarge`.
 * @throws TypeError for what cannot be a key (K3)
 */
export function encodeKey(key: Key): Uint8Array {
  if (typeof key === 'string') {
    const simple = encodeAscii(key);
    if (simple !== undefined) return simple;
  }
  const elements = elementsOf(key, 'a key');
  if (elements.length === 0) throw new TypeError('a key cannot be an empty tuple');
  const first = elements[0];
  if ((typeof first === 'string' || first instanceof Uint8Array) && first.length === 0) {
    throw new TypeError('a key cannot begin with an empty string');
  }
  writer.reset();
  for (let i = 0; i < elements.length; i++) writeElement(elements[i], i);
  return writer.finish();
}

/** Whether the encoded key is longer than any key may be. */
export function isKeyTooLarge(encodedKey: Uint8Array): boolean {
  return encodedKey.length > limits.keyBytesMax;
}

/** @throws DecodeError for bytes that encodeKey does not make (K2) */
export function decodeKey(bytes: Uint8Array): Key {
  const elements: KeyElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = elementEnd(bytes, at);
    elements.push(decodeElement(bytes, at, end));
    at = end;
  }
  const first = elements[0];
  if (first === undefined) throw new DecodeError('an empty key');
  if ((typeof first === 'string' || first instanceof Uint8Array) && first.length === 0) {
    throw new DecodeError('a key that begins with an empty string');
  }
  return elements.length === 1 && typeof first === 'string' ? first : elements;
}

/**
 * The range of the keys that begin with `prefix`: a string selects by the text of the first element, a tuple by whole elements,
 * and the empty tuple everything (KEY-FORMAT.md, "Prefixes").
 * @throws TypeError as encodeKey does
 */
export function encodePrefix(prefix: Key): KeyRange {
  writer.reset();
  if (typeof prefix === 'string') {
    writer.u8(codeString);
    writeEscaped(stringBytes(prefix, 'the prefix'));
    const start = writer.finish();
    return { start, end: successorOfPrefix(start) };
  }
  const elements = elementsOf(prefix, 'a prefix');
  if (elements.length === 0) return { start: emptyBytes, end: emptyBytes };
  for (let i = 0; i < elements.length; i++) writeElement(elements[i], i);
  const start = writer.finish();
  const end = new Uint8Array(start.length + 1);
  end.set(start);
  end[start.length] = afterCodes;
  return { start, end };
}

/**
 * A view of the first element's bytes, type and terminator included: what decides the partition.
 * @throws DecodeError when there is no whole element
 */
export function partitionKeyBytes(encodedKey: Uint8Array): Uint8Array {
  const end = elementEnd(encodedKey, 0);
  return end === encodedKey.length ? encodedKey : encodedKey.subarray(0, end);
}

/** For people: a plain string as it is, anything else as a list. Bytes are `0x…`, control characters are escaped. */
export function formatKey(key: Key): string {
  if (typeof key === 'string') return isPlain(key) ? key : JSON.stringify(key);
  return `[${key.map((element) => (element instanceof Uint8Array ? `0x${toHex(element)}` : JSON.stringify(element))).join(', ')}]`;
}

/** Prints as itself, and cannot be taken for a tuple or a quoted string. */
function isPlain(text: string): boolean {
  return /^[^[" ](?:.*[^ ])?$/u.test(text) && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text);
}

// --- writing ------------------------------------------------------------------------------------------------------------

/** The short way for what most keys are; undefined when this is none of them. */
function encodeAscii(text: string): Uint8Array | undefined {
  const count = text.length;
  if (count === 0 || count > 64) return undefined;
  const bytes = new Uint8Array(count + 2);
  bytes[0] = codeString;
  for (let i = 0; i < count; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0 || unit > 0x7f) return undefined;
    bytes[i + 1] = unit;
  }
  return bytes;
}

function elementsOf(key: Key, what: string): readonly unknown[] {
  if (typeof key === 'string') return [key];
  if (Array.isArray(key)) return key as readonly unknown[];
  throw new TypeError(`${what} is a string or a tuple, not ${describe(key)}`);
}

function writeElement(element: unknown, index: number): void {
  switch (typeof element) {
    case 'string':
      writer.u8(codeString);
      writeEscaped(stringBytes(element, `key element ${index}`));
      writer.u8(0);
      return;
    case 'number':
      writer.u8(codeDouble);
      writeDouble(element, index);
      return;
    case 'boolean':
      writer.u8(element ? codeTrue : codeFalse);
      return;
    default:
      if (!(element instanceof Uint8Array)) {
        throw new TypeError(
          `key element ${index} is ${describe(element)}; keys hold strings, numbers, booleans and Uint8Arrays`,
        );
      }
      writer.u8(codeBytes);
      writeEscaped(element);
      writer.u8(0);
  }
}

function stringBytes(text: string, what: string): Uint8Array {
  if (!(text as unknown as { isWellFormed(): boolean }).isWellFormed()) {
    throw new TypeError(`${what} has a lone surrogate, which no UTF-8 can hold`);
  }
  return utf8.encode(text);
}

function writeEscaped(bytes: Uint8Array): void {
  let from = 0;
  for (let zero = bytes.indexOf(0); zero >= 0; zero = bytes.indexOf(0, from)) {
    writer.raw(bytes.subarray(from, zero + 1));
    writer.u8(0xff);
    from = zero + 1;
  }
  writer.raw(from === 0 ? bytes : bytes.subarray(from));
}

function writeDouble(value: number, index: number): void {
  if (!Number.isFinite(value)) throw new TypeError(`key element ${index} is ${value}; keys hold finite numbers only`);
  doubleView.setFloat64(0, value === 0 ? 0 : value); // -0 and 0 are one key
  if (value < 0) for (let i = 0; i < 8; i++) doubleBytes[i] = ~(doubleBytes[i] as number);
  else doubleBytes[0] = (doubleBytes[0] as number) ^ 0x80;
  writer.raw(doubleBytes);
}

/** The smallest bytes above everything that begins with `prefix`, which does not consist of 0xff alone. */
function successorOfPrefix(prefix: Uint8Array): Uint8Array {
  let count = prefix.length;
  while (prefix[count - 1] === 0xff) count -= 1; // the escape of a zero byte
  const end = prefix.slice(0, count);
  end[count - 1] = (end[count - 1] as number) + 1;
  return end;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a tuple';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const made: unknown = (value as { constructor?: unknown }).constructor;
  return typeof made === 'function' && made.name !== '' ? `an instance of ${made.name}` : 'an object';
}

// --- reading ------------------------------------------------------------------------------------------------------------

/** Where the element that begins at `start` ends. @throws DecodeError */
function elementEnd(bytes: Uint8Array, start: number): number {
  switch (bytes[start]) {
    case codeBytes:
    case codeString:
      // By hand: most elements are too short for a search by the engine to be worth its call.
      for (let at = start + 1; at < bytes.length; at++) {
        if (bytes[at] !== 0) continue;
        if (bytes[at + 1] !== 0xff) return at + 1;
        at++;
      }
      throw new DecodeError('a key element without its end');
    case codeDouble:
      if (start + 9 > bytes.length) throw new DecodeError('a truncated number in a key');
      return start + 9;
    case codeFalse:
    case codeTrue:
      return start + 1;
    case undefined:
      throw new DecodeError('an empty key');
    default:
      throw new DecodeError(`no key element begins with ${bytes[start]}`);
  }
}

function decodeElement(bytes: Uint8Array, start: number, end: number): KeyElement {
  switch (bytes[start]) {
    case codeFalse:
      return false;
    case codeTrue:
      return true;
    case codeDouble:
      return decodeDouble(bytes.subarray(start + 1, end));
    default: {
      const content = unescape(bytes.subarray(start + 1, end - 1));
      if (bytes[start] === codeBytes) return content;
      try {
        return utf8Decoder.decode(content);
      } catch (cause) {
        throw new DecodeError('a string in a key is not UTF-8', { cause });
      }
    }
  }
}

/** A copy without the escapes. */
function unescape(escaped: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(escaped.length);
  let count = 0;
  for (let i = 0; i < escaped.length; i++) {
    const byte = escaped[i] as number;
    bytes[count++] = byte;
    if (byte === 0) i += 1; // its 0xff
  }
  return bytes.slice(0, count);
}

function decodeDouble(bytes: Uint8Array): number {
  doubleBytes.set(bytes);
  if ((doubleBytes[0] as number) < 0x80) for (let i = 0; i < 8; i++) doubleBytes[i] = ~(doubleBytes[i] as number);
  else doubleBytes[0] = (doubleBytes[0] as number) ^ 0x80;
  const value = doubleView.getFloat64(0);
  if (!Number.isFinite(value) || Object.is(value, -0)) throw new DecodeError('no number of a key'); // K2
  return value;
}
