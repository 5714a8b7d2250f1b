// A history as text: one JSON object a line
// =============================================================================
//
// The first line names the format; every further one is an entry, in the order of the calls. What never returned has no `returned`.
//
//   {"format":"troupe-history","version":1,"note":…}
//   {"client":…,"table":…,"asked":{…},"called":[moment,ms],"returned":[moment,ms],"told":{…}}
//
// Invariants
//   N1. What was written is read back equal.
//   N2. A line that is no entry is refused with its number; nothing is guessed.

import { parseAsked, parseTold } from './entry-shape.js';
import type { Entry, Told } from './history.js';

export const historyFormat = 'troupe-history';
export const historyVersion = 1;

export function historyHeader(note: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ format: historyFormat, version: historyVersion, note });
}

export function entryLine({ client, table, asked, calledAt, calledMs, returnedAt, returnedMs, told }: Entry): string {
  const returned = told === undefined ? undefined : [returnedAt, returnedMs];
  return JSON.stringify({ client, table, asked, called: [calledAt, calledMs], returned, told: toldJson(told) });
}

function toldJson(told: Told | undefined): unknown {
  return told?.kind === 'scanned' ? { ...told, items: [...told.items] } : told;
}

/** @throws Error with the line's number, when one makes no sense */
export function parseHistory(lines: Iterable<string>): Entry[] {
  const entries: Entry[] = [];
  let number = 0;
  for (const line of lines) {
    number++;
    if (line.trim() === '') continue;
    try {
      const value: unknown = JSON.parse(line);
      if (number === 1) checkHeader(value);
      else entries.push(parseEntry(value));
    } catch (cause) {
      throw new Error(`line ${number}: ${(cause as Error).message}`, { cause }); // N2
    }
  }
  if (number === 0) throw new Error('line 1: there is no header');
  return entries;
}

function checkHeader(value: unknown): void {
  const { format, version } = (value ?? {}) as { readonly format?: unknown; readonly version?: unknown };
  if (format !== historyFormat) throw new Error('this is no history of Troupe');
  if (version !== historyVersion)
    throw new Error(`a history of version ${String(version)}; this reads ${historyVersion}`);
}

function parseEntry(value: unknown): Entry {
  if (typeof value !== 'object' || value === null) throw new Error('an entry is an object');
  const { client, table, asked, called, returned, told } = value as Readonly<Record<string, unknown>>;
  if (typeof client !== 'string' || typeof table !== 'string') throw new Error('client and table are texts');
  const [calledAt, calledMs] = moment(called, 'called');
  const never = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
  const [returnedAt, returnedMs] = returned === undefined ? never : moment(returned, 'returned');
  if ((returned === undefined) !== (told === undefined)) throw new Error('what returned was told something');
  if (calledAt > returnedAt) throw new Error('it returned before it was called');
  return {
    client,
    table,
    asked: parseAsked(asked),
    calledAt,
    calledMs,
    returnedAt,
    returnedMs,
    told: told === undefined ? undefined : parseTold(told),
  };
}

function moment(value: unknown, name: string): readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2 || !value.every((part) => Number.isFinite(part)))
    throw new Error(`${name} is [moment, ms]`);
  return value as [number, number];
}
