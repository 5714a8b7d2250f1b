// Values as JSON, for people, pipes and `-o json`
// =============================================================================
//
// JSON has no bytes, BigInt, Date or -0. They are printed as objects of one field:
//
//   {"$bytes": "AQID"}   base64      {"$bigint": "123"}   {"$date": "2026-11-20T00:00:00.000Z"}   {"$number": "-0"}
//
// A user's own object of that form gets one `$` more, and loses it again when read, so nothing is ambiguous.
//
// Invariants
//   J1. fromPrintable(JSON.parse(JSON.stringify(toPrintable(value)))) equals value.
//
// Sources: MongoDB Extended JSON v2, for the idea; we differ: it cannot escape.

import { setOwn } from './value-codec.js';

/** `$` signs and then a word of ours. */
const marked = /^\$+(?:bytes|bigint|date|number)$/;

/** @returns something that JSON.stringify prints without loss. */
export function toPrintable(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (Object.is(value, -0)) return { $number: '-0' };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return { $bytes: toBase64(value) };
  if (value instanceof Date) return { $date: value.toISOString() };
  if (Array.isArray(value)) return Array.from(value, toPrintable);
  return mapFields(value as Record<string, unknown>, (key) => `$${key}`, toPrintable);
}

/** @throws TypeError for a `$` form that is none, such as `{"$bigint": "x"}` */
export function fromPrintable(printed: unknown): unknown {
  if (typeof printed !== 'object' || printed === null) return printed;
  if (Array.isArray(printed)) return printed.map(fromPrintable);
  const fields = printed as Record<string, unknown>;
  const keys = Object.keys(fields);
  if (keys.length === 1) {
    const key = keys[0] as string;
    if (marked.test(key) && key[1] !== '$') return fromMark(key, fields[key]);
  }
  return mapFields(fields, (key) => key.slice(1), fromPrintable);
}

/** Maps the fields; `rename` applies to the key of a user's object that has one of our forms. */
function mapFields(
  fields: Record<string, unknown>,
  rename: (key: string) => string,
  map: (field: unknown) => unknown,
): Record<string, unknown> {
  const keys = Object.keys(fields);
  const mapped: Record<string, unknown> = {};
  for (const key of keys) {
    setOwn(mapped, keys.length === 1 && marked.test(key) ? rename(key) : key, map(fields[key]));
  }
  return mapped;
}

function fromMark(key: string, text: unknown): unknown {
  if (typeof text === 'string') {
    if (key === '$bytes' && /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0) return fromBase64(text);
    if (key === '$bigint' && /^-?\d+$/.test(text)) return BigInt(text);
    if (key === '$number' && text === '-0') return -0;
    if (key === '$date' && isInstant(text)) return new Date(text);
  }
  throw new TypeError(
    `{"${key}": ${JSON.stringify(text)}} is no ${key.slice(1)}; write "$${key}" for a key of that name`,
  );
}

/** A moment that is the same in every time zone. */
function isInstant(text: string): boolean {
  return (
    /^(?:[+-]\d{6}|\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/.test(text) &&
    !Number.isNaN(new Date(text).getTime())
  );
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 4096) binary += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
