// Values to bytes and back
// =============================================================================
//
// A value is JSON with BigInt, Date and Uint8Array, and comes back as it went in. Its bytes are made once, by the client, and pass
// through servers unread; only `increment` looks inside (value-number.ts). They are CBOR (RFC 8949) by cbor-x, behind a wrapper that
// closes its traps: before encoding, the value is walked for what has no encoding, and what cbor-x would change is written here;
// before decoding, the bytes are walked for what no value holds.
//
// Owns:     what a value may be, and its bytes.
// Does not: limit its size; the SDK does (limits.valueBytesMax).
//
// Invariants
//   V1. decodeValue(encodeValue(x)) equals x, but for `undefined`: dropped from objects, null in lists, as JSON does.
//   V2. What cannot come back as it went in is refused with its path: functions, symbols, class instances, Map, Set, cycles, NaN,
//       infinities, invalid and very far dates, lone surrogates, nesting beyond limits.depthMax.
//   V3. No key is special: `__proto__` and `constructor` are own properties afterwards, and no prototype is ever touched.
//   V4. Equal values with keys in the same order have equal bytes.
//   V5. Any bytes at all give a value or a DecodeError.
//
// Sources: RFC 8949 §3 and §3.4 (tags 1, 2, 3); DEPENDENCIES §1.4 for the traps of cbor-x 1.6.8. We differ from
// CORRECTNESS decision 16: objects have Object.prototype, so that they are deeply equal to what was put. A weakness: cbor-x's extensions are
// global in a thread, so other code in the process that replaces its tags 1 to 3 changes what we decode.

import { Decoder, Encoder } from 'cbor-x';
import { DecodeError } from '../../runtime/std/byte-reader.js';
import { BytePage } from '../../runtime/std/byte-page.js';
import { concatBytes } from '../../runtime/std/bytes.js';
import { scanCbor } from './cbor-scan.js';
import { limits } from './limits.js';

/** What `put` takes and `get` gives. `undefined` is taken inside objects and lists, but never given. */
export type Value =
  | string
  | number
  | boolean
  | null
  | bigint
  | Date
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value | undefined };

const encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false });
/** Its types leave out the second argument. */
interface PartDecoder {
  decode(source: Uint8Array, end: number): unknown;
}
const decoder = new Decoder({ useRecords: false, mapsAsObjects: true, copyBuffers: true }) as unknown as PartDecoder;
/** For values with a key that cbor-x would rename. */
const mapDecoder = new Decoder({
  useRecords: false,
  mapsAsObjects: false,
  copyBuffers: true,
}) as unknown as PartDecoder;

/** Bytes of the largest BigInt: what the scan lets pass. */
const bigBytesMax = 1024;
const bigLimit = 1n << BigInt(bigBytesMax * 8);

const page = new BytePage();

/** Tag 1 counts seconds in a double: from 2^42 on, its steps are too wide to tell milliseconds apart. */
const dateMsMax = 2 ** 42 * 1000;

/**
 * The bytes are the caller's own, but may share memory with other values': never transfer them.
 * @throws TypeError naming the path of what cannot be stored: `value.items[3].fn is a function` (V2)
 */
export function encodeValue(value: unknown): Uint8Array {
  const path: Path = [];
  const plain = check(value, 0, path);
  const bytes = plain ? (encoder.encode(value) as Uint8Array) : encodeByHand(value);
  // The encoder hands out slices of one growing buffer that it keeps: copy, or a small value pins a big buffer.
  return page.copy(bytes);
}

/**
 * Byte strings inside are copies; objects have Object.prototype and own properties only (V3).
 * @throws DecodeError
 */
export function decodeValue(bytes: Uint8Array): unknown {
  found.proto = false;
  found.date = false;
  scanCbor(bytes, valueScan);
  const source = bytes.length <= scratch.length ? scratch : new Uint8Array(bytes);
  source.set(bytes);
  let value: unknown;
  try {
    value = found.proto
      ? objectsFromMaps(mapDecoder.decode(source, bytes.length))
      : decoder.decode(source, bytes.length);
  } catch (cause) {
    throw new DecodeError('not a value', { cause });
  }
  if (found.date) refuseInvalidDates(value);
  return value;
}

const found = { proto: false, date: false };
const valueScan = { depthMax: limits.depthMax, tags: [1, 2, 3], plain: true, found } as const;

/**
 * What the decoder reads from: it makes a DataView for each new array (0.3 µs), leaves it there as a property, and gives Buffers
 * for byte strings of a Buffer. Nothing that it returns refers to it.
 */
const scratch = new Uint8Array(16 * 1024);

// --- before encoding --------------------------------------------------------------------------------------------------

type Path = (string | number)[];

/** Text, and well-formed; V8 answers at once for strings without two-byte characters. */
function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed();
}

/** True when cbor-x writes it as it is, false when it must be written by hand. @throws TypeError (V2) */
function check(value: unknown, depth: number, path: Path): boolean {
  switch (typeof value) {
    case 'string':
      if (!isWellFormed(value)) refuse(path, 'has a lone surrogate, which no UTF-8 can hold');
      return true;
    case 'number':
      if (!Number.isFinite(value)) refuse(path, `is ${value}, which JSON does not have`);
      return value !== 0 || !Object.is(value, -0);
    case 'boolean':
      return true;
    case 'bigint':
      if (value >= bigLimit || value < -bigLimit) refuse(path, `is a BigInt of more than ${bigBytesMax} bytes`);
      return true;
    case 'object':
      return value === null ? true : checkObject(value, depth, path);
    case 'undefined':
      // Inside of objects and lists the caller took care of it.
      return refuse(path, 'is undefined: delete the key, or store null');
    default:
      return refuse(path, `is a ${typeof value}`);
  }
}

function checkObject(value: object, depth: number, path: Path): boolean {
  if (depth > limits.depthMax) refuse(path, `is nested more than ${limits.depthMax} deep, or contains itself`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) {
    if (prototype !== Array.prototype) refuse(path, 'is a class instance derived from Array');
    return checkList(value, depth, path);
  }
  // A prototype without a prototype is some realm's Object.prototype.
  const isPlain = prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
  if (isPlain) return checkFields(value as Record<string, unknown>, depth, path);
  if (value instanceof Uint8Array) return value.constructor === Uint8Array; // a Buffer is written by hand, as plain bytes
  if (value instanceof Date) {
    const timeMs = value.getTime();
    if (Number.isNaN(timeMs)) refuse(path, 'is an invalid date');
    if (Math.abs(timeMs) >= dateMsMax) refuse(path, 'is a date beyond the year 139,000');
    return false;
  }
  return refuse(path, `is an instance of ${className(value)}`);
}

function checkList(list: readonly unknown[], depth: number, path: Path): boolean {
  let plain = list.constructor === Array;
  for (let i = 0; i < list.length; i++) {
    const element = list[i];
    if (element === undefined) {
      plain = false;
      continue;
    }
    path.push(i);
    if (!check(element, depth + 1, path)) plain = false;
    path.pop();
  }
  return plain;
}

function checkFields(fields: Record<string, unknown>, depth: number, path: Path): boolean {
  // cbor-x finds out what an object is by its `constructor`, which may be data.
  let plain = fields['constructor'] === Object;
  for (const key of Object.keys(fields)) {
    const field = fields[key];
    if (field === undefined) {
      plain = false;
      continue;
    }
    path.push(key);
    if (!isWellFormed(key)) refuse(path, 'has a lone surrogate in its name, which no UTF-8 can hold');
    if (!check(field, depth + 1, path)) plain = false;
    path.pop();
  }
  if (plain && Object.getOwnPropertySymbols(fields).length > 0) refuse(path, 'has a symbol as a key');
  return plain;
}

function className(value: object): string {
  const made: unknown = (value as { constructor?: unknown }).constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}

function refuse(path: Path, reason: string): never {
  throw new TypeError(`${formatPath(path)} ${reason}`);
}

function formatPath(path: Path): string {
  let text = 'value';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_$][\w$]{0,63}$/.test(step)) text += `.${step}`;
    else text += `[${JSON.stringify(step.length > 64 ? `${step.slice(0, 64)}…` : step)}]`;
    if (text.length > 512) return `${text.slice(0, 512)}…`;
  }
  return text;
}

// --- what cbor-x would change -----------------------------------------------------------------------------------------

const negativeZero = Uint8Array.of(0xfb, 0x80, 0, 0, 0, 0, 0, 0, 0);

/** The same bytes as cbor-x for what it can write (V4). `value` was checked. */
function encodeByHand(value: unknown): Uint8Array {
  const parts: Uint8Array[] = [];
  append(value, parts);
  return concatBytes(parts);
}

function append(value: unknown, parts: Uint8Array[]): void {
  if (Object.is(value, -0)) {
    parts.push(negativeZero); // cbor-x: 0
  } else if (value === undefined) {
    parts.push(Uint8Array.of(0xf6)); // an element of a list
  } else if (typeof value !== 'object' || value === null) {
    parts.push(new Uint8Array(encoder.encode(value)));
  } else if (Array.isArray(value)) {
    parts.push(head(4, value.length));
    for (let i = 0; i < value.length; i++) append(value[i], parts);
  } else if (value instanceof Uint8Array) {
    parts.push(head(2, value.length), value);
  } else if (value instanceof Date) {
    // cbor-x asks `instanceof` of classes that anyone in the process may have registered.
    parts.push(Uint8Array.of(0xc1));
    append(value.getTime() / 1000, parts);
  } else {
    const fields = value as Record<string, unknown>;
    const keys = Object.keys(fields).filter((key) => fields[key] !== undefined);
    parts.push(head(5, keys.length));
    for (const key of keys) {
      parts.push(new Uint8Array(encoder.encode(key)));
      append(fields[key], parts);
    }
  }
}

/** Major type and argument, in the fewest bytes. */
function head(major: number, argument: number): Uint8Array {
  const type = major << 5;
  if (argument < 24) return Uint8Array.of(type | argument);
  if (argument < 0x100) return Uint8Array.of(type | 24, argument);
  if (argument < 0x10000) return Uint8Array.of(type | 25, argument >> 8, argument & 0xff);
  return Uint8Array.of(type | 26, argument >>> 24, (argument >>> 16) & 0xff, (argument >>> 8) & 0xff, argument & 0xff);
}

// --- after decoding ---------------------------------------------------------------------------------------------------

function objectsFromMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(objectsFromMaps);
  if (!(value instanceof Map)) return value;
  const fields: Record<string, unknown> = {};
  for (const [key, field] of value as Map<string, unknown>) setOwn(fields, key, objectsFromMaps(field));
  return fields;
}

/** An own property, whatever its name (V3). */
export function setOwn(fields: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(fields, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    fields[key] = value;
  }
}

function refuseInvalidDates(value: unknown): void {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new DecodeError('a date out of range');
  } else if (Array.isArray(value)) {
    for (const element of value) refuseInvalidDates(element);
  } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    for (const field of Object.values(value)) refuseInvalidDates(field);
  }
}
