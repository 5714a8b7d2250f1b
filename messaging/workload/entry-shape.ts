// Reading what was asked and told from JSON, mistrusting it
// =============================================================================

import { consistencies, writeStatuses } from '../protocol/client-messages.js';
import type { Asked, Held, HeldItem, Told } from './history.js';

type Fields = Readonly<Record<string, unknown>>;

/** @throws Error saying which field is wrong */
export function parseAsked(value: unknown): Asked {
  const fields = fieldsOf(value, 'asked');
  const { kind } = fields;
  switch (kind) {
    case 'put':
      return {
        kind,
        key: text(fields, 'key'),
        value: held(fields, 'value'),
        ifVersion: maybeNumber(fields, 'ifVersion'),
      };
    case 'delete':
      return { kind, key: text(fields, 'key'), ifVersion: maybeNumber(fields, 'ifVersion') };
    case 'increment':
      return { kind, key: text(fields, 'key'), by: number(fields, 'by') };
    case 'get':
      return { kind, key: text(fields, 'key'), consistency: word(fields, 'consistency', consistencies) };
    case 'scan': {
      const partition = number(fields, 'partition');
      const page = {
        ...(fields['after'] === undefined ? {} : { after: text(fields, 'after') }),
        ...(fields['reverse'] === undefined ? {} : { reverse: fields['reverse'] === true }),
        ...(fields['limit'] === undefined ? {} : { limit: number(fields, 'limit') }),
      };
      return { kind, partition, consistency: word(fields, 'consistency', consistencies), ...page };
    }
    default:
      throw new Error(`nothing is asked by ${JSON.stringify(kind)}`);
  }
}

/** @throws Error saying which field is wrong */
export function parseTold(value: unknown): Told {
  const fields = fieldsOf(value, 'told');
  const { kind } = fields;
  switch (kind) {
    case 'written': {
      const status = word(fields, 'status', writeStatuses);
      const place = { partition: number(fields, 'partition'), lineage: number(fields, 'lineage') };
      const position = { epoch: number(fields, 'epoch'), offset: number(fields, 'offset') };
      const written = fields['value'] === undefined ? undefined : held(fields, 'value');
      return { kind, status, version: number(fields, 'version'), value: written, ...place, ...position };
    }
    case 'got':
      return {
        kind,
        item: fields['item'] === undefined ? undefined : item(fields['item']),
        ...(fields['partition'] === undefined ? {} : { partition: number(fields, 'partition') }),
      };
    case 'scanned':
      return { kind, items: items(fields['items']), more: fields['more'] === true };
    case 'failed':
      return { kind, code: text(fields, 'code'), message: text(fields, 'message') };
    case 'unknown':
      return { kind };
    default:
      throw new Error(`nobody is told ${JSON.stringify(kind)}`);
  }
}

function items(value: unknown): Map<string, HeldItem> {
  if (!Array.isArray(value)) throw new Error('items is a list of [key, item]');
  const map = new Map<string, HeldItem>();
  for (const pair of value) {
    if (!Array.isArray(pair) || typeof pair[0] !== 'string') throw new Error('items is a list of [key, item]');
    map.set(pair[0], item(pair[1]));
  }
  return map;
}

function item(value: unknown): HeldItem {
  const fields = fieldsOf(value, 'item');
  return { value: held(fields, 'value'), version: number(fields, 'version') };
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null) throw new Error(`${what} is an object`);
  return value as Fields;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new Error(`${name} is a text`);
  return value;
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error(`${name} is a number`);
  return value;
}

function maybeNumber(fields: Fields, name: string): number | undefined {
  return fields[name] === undefined ? undefined : number(fields, name);
}

function held(fields: Fields, name: string): Held {
  const value = fields[name];
  if (typeof value !== 'string' && (typeof value !== 'number' || !Number.isFinite(value)))
    throw new Error(`${name} is a text or a number`);
  return value;
}

function word<W extends string>(fields: Fields, name: string, words: readonly W[]): W {
  const value = fields[name];
  if (!(words as readonly unknown[]).includes(value)) throw new Error(`${name} is one of ${words.join(', ')}`);
  return value as W;
}
