// Reading what people type
// =============================================================================
//
// Pure: text in, value out, or a CliError of code USAGE that says what was wrong.

import type { Key } from '../messaging/protocol/key.js';
import { usage } from './cli-error.js';

/** A key: a JSON array is a tuple key, everything else is a string key as it stands. */
export function parseKey(text: string): Key {
  checkCharacters('a key', text);
  if (!text.startsWith('[')) return text;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text; // a string that happens to begin with a bracket
  }
  if (!Array.isArray(value)) return text;
  if (value.length === 0) throw usage('a tuple key has at least one element');
  for (const element of value) {
    if (typeof element !== 'string' && typeof element !== 'number' && typeof element !== 'boolean') {
      throw usage(`a tuple key holds strings, numbers and booleans, not ${JSON.stringify(element)}`);
    }
  }
  return value as Key;
}

/** A value: JSON when it parses as JSON, else the text itself. */
export function parseValue(text: string): unknown {
  checkCharacters('a value', text);
  return valueOfText(text);
}

/** The same of a text whose bytes were checked. */
export function valueOfText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Node.js puts U+FFFD for bytes on the command line that are no UTF-8, and lone surrogates have no UTF-8 at all. */
function checkCharacters(what: string, text: string): void {
  if (text.includes('\ufffd'))
    throw usage(`${what} is not valid UTF-8`, 'if you mean the character U+FFFD, write it in JSON as \\ufffd');
}

export function parseCount(name: string, text: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw usage(`${name} takes a whole number ${range}, not ${text}`);
  }
  return value;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `250ms`, `30s`, `5m`, `2h`, or plain milliseconds. */
export function parseDurationMs(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const ms = match === null ? 0 : Math.round(Number(match[1]) * (units[match[2] ?? 'ms'] as number));
  if (ms < 1 || !Number.isSafeInteger(ms))
    throw usage(`${name} takes a duration such as 250ms, 30s, 5m or 2h, not ${text}`);
  return ms;
}

export function parseWord<W extends string>(name: string, words: readonly W[], text: string): W {
  if (!(words as readonly string[]).includes(text)) throw usage(`${name} is one of ${words.join(', ')}, not ${text}`);
  return text as W;
}
