// A client under load: asks, notes what it asked and what it was told, asks again
// =============================================================================
//
// Keeps a number of operations under way through the client actor beside it in its loop. Keys fall into four families:
//
//   register-<n>   put, conditional put, delete, get: a few keys, some hotter than others
//   counter-<n>    increment, get
//   <client>-<n>   put once with `ifVersion` 0: what was acknowledged must be there for ever (the ledger)
//   whole partitions are scanned now and then
//
// Every put writes a value that nobody else writes, so a value says which operation it came from.
//
// Invariants
//   U1. Each operation that was asked is noted before it is handed over, and its outcome is noted once.

import type { Actor, ActorDefinition, Context, Message } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import { assert, present, unreachable } from '../../runtime/std/assert.js';
import type { Random } from '../../runtime/std/random.js';
import { clientActor, type Operation, type Outcome, type Settled } from '../client/core/operations.js';
import type { Consistency } from '../protocol/client-messages.js';
import { decodeKey, encodeKey } from '../protocol/key.js';
import { decodeValue, encodeValue } from '../protocol/value.js';
import type { Asked, Entry, Held, History, HeldItem, Told } from './history.js';

export interface LoadProfile {
  readonly tables: readonly { readonly name: string; readonly partitions: readonly number[] }[];
  /** Operations under way at a time. */
  readonly concurrency: number;
  /** Mean pause of each between an answer and the next question. */
  readonly pauseMeanMs: number;
  readonly registerCount: number;
  readonly counterCount: number;
  /** 1 = all keys alike; the higher, the hotter the first ones. */
  readonly skew: number;
  /** Of the padding that makes a few values large. */
  readonly valueBytesMax: number;
  /** Shares of what is asked; they need not add up to one. */
  readonly weights: Readonly<Record<Family, number>>;
  readonly timeoutsMs: readonly number[];
  readonly consistencies: readonly Consistency[];
}

export const families = ['put', 'put-if', 'delete', 'get', 'increment', 'get-counter', 'once', 'scan'] as const;
export type Family = (typeof families)[number];

type LoadMessage = Settled | { readonly kind: 'ask' } | { readonly kind: 'stop-load' };
type Turn = Context<LoadMessage>;

export class LoadActor implements Actor<LoadMessage> {
  readonly #profile: LoadProfile;
  readonly #history: History;
  readonly #client: string;
  readonly #open = new Map<number, Entry>();
  /** Versions last seen of registers, for conditions that have a chance to hold. */
  readonly #seen = new Map<string, number>();
  #operations = 0;
  #once = 0;
  #stopped = false;

  constructor(profile: LoadProfile, history: History, client: string) {
    this.#profile = profile;
    this.#history = history;
    this.#client = client;
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  start(context: Turn): void {
    for (let slot = 0; slot < this.#profile.concurrency; slot++) this.#askLater(`first ${slot}`, context);
  }

  receive(message: LoadMessage, from: Address, context: Turn): void {
    if (from.host !== context.self.host && from.host !== '@script') return;
    switch (message.kind) {
      case 'ask':
        return this.#ask(context);
      case 'stop-load':
        this.#stopped = true;
        return;
      case 'settled':
        for (const outcome of message.outcomes) this.#onOutcome(outcome, context);
        return;
    }
  }

  #askLater(slot: string, context: Turn): void {
    const delayMs = -Math.log(1 - context.random.fraction()) * this.#profile.pauseMeanMs;
    context.timers.start(slot, delayMs, { kind: 'ask' });
  }

  #ask(context: Turn): void {
    if (this.#stopped) return;
    const { random } = context;
    const table = random.pick(this.#profile.tables);
    const asked = this.#choose(random, table.partitions);
    const id = this.#operations++;
    this.#open.set(id, this.#history.call(this.#client, table.name, asked)); // U1
    const operation = operationOf(asked, table.name, id, random.pick(this.#profile.timeoutsMs));
    const to = { ...context.self, actor: clientActor };
    context.send(to, { kind: 'submit', operations: [operation] } as Message);
  }

  #onOutcome(outcome: Outcome, context: Turn): void {
    const entry = present(this.#open.get(outcome.id), 'U1: an outcome of what was asked');
    this.#open.delete(outcome.id);
    const told = toldOf(outcome);
    this.#history.return(entry, told);
    const { asked } = entry;
    if (told.kind === 'written' && asked.kind !== 'scan')
      this.#seen.set(asked.key, asked.kind === 'delete' ? 0 : told.version);
    if (told.kind === 'got' && asked.kind === 'get') this.#seen.set(asked.key, told.item?.version ?? 0);
    this.#askLater(`after ${outcome.id % 65_536}`, context);
  }

  #choose(random: Random, partitions: readonly number[]): Asked {
    const profile = this.#profile;
    const register = (): string => `register-${skewed(random, profile.registerCount, profile.skew)}`;
    const counter = (): string => `counter-${skewed(random, profile.counterCount, profile.skew)}`;
    const family = this.#family(random);
    switch (family) {
      case 'put':
        return { kind: 'put', key: register(), value: this.#value(random), ifVersion: undefined };
      case 'put-if': {
        const key = register();
        return { kind: 'put', key, value: this.#value(random), ifVersion: this.#seen.get(key) ?? 0 };
      }
      case 'delete': {
        const key = register();
        return { kind: 'delete', key, ifVersion: random.chance(0.3) ? this.#seen.get(key) : undefined };
      }
      case 'get':
        return { kind: 'get', key: register(), consistency: random.pick(profile.consistencies) };
      case 'increment':
        return { kind: 'increment', key: counter(), by: random.between(1, 3) };
      case 'get-counter':
        return { kind: 'get', key: counter(), consistency: random.pick(profile.consistencies) };
      case 'once':
        return { kind: 'put', key: `${this.#client}-${this.#once++}`, value: this.#value(random), ifVersion: 0 };
      case 'scan':
        return { kind: 'scan', partition: random.pick(partitions), consistency: random.pick(profile.consistencies) };
      default:
        return unreachable(family);
    }
  }

  #family(random: Random): Family {
    const { weights } = this.#profile;
    let total = 0;
    for (const family of families) total += weights[family];
    let draw = random.fraction() * total;
    for (const family of families) {
      draw -= weights[family];
      if (draw < 0) return family;
    }
    return 'get';
  }

  #value(random: Random): Held {
    const mark = `${this.#client}:${this.#operations}`;
    if (!random.chance(0.1)) return mark;
    return mark.padEnd(random.below(Math.max(1, this.#profile.valueBytesMax)), '~');
  }
}

/** An index below `count`; index 0 the most often when `skew` > 1. */
function skewed(random: Random, count: number, skew: number): number {
  return Math.min(count - 1, Math.floor(count * random.fraction() ** skew));
}

const scanBytesMax = 1_000_000;
const empty = new Uint8Array(0);

export function operationOf(asked: Asked, table: string, id: number, timeoutMs: number): Operation {
  switch (asked.kind) {
    case 'put': {
      const { ifVersion } = asked;
      const [key, value] = [encodeKey(asked.key), encodeValue(asked.value)];
      return { kind: 'write', id, timeoutMs, table, operation: 'put', key, value, ifVersion, durability: undefined };
    }
    case 'delete': {
      const { ifVersion } = asked;
      const key = encodeKey(asked.key);
      const operation = 'delete';
      return { kind: 'write', id, timeoutMs, table, operation, key, value: empty, ifVersion, durability: undefined };
    }
    case 'increment': {
      const [key, value] = [encodeKey(asked.key), encodeValue(asked.by)];
      const rest = { ifVersion: undefined, durability: undefined };
      return { kind: 'write', id, timeoutMs, table, operation: 'increment', key, value, ...rest };
    }
    case 'get':
      return { kind: 'read', id, timeoutMs, table, key: encodeKey(asked.key), consistency: asked.consistency };
    case 'scan': {
      const { partition, consistency } = asked;
      const range = { start: empty, end: empty, reverse: false, limit: 10_000, bytesMax: scanBytesMax };
      return { kind: 'scan', id, timeoutMs, partition, consistency, ...range };
    }
    default:
      return unreachable(asked);
  }
}

export function toldOf(outcome: Outcome): Told {
  switch (outcome.kind) {
    case 'written': {
      const { status, version, partition, lineage, epoch, offset } = outcome;
      const value = outcome.value.length === 0 ? undefined : held(outcome.value);
      return { kind: 'written', status, version, value, partition, lineage, epoch, offset };
    }
    case 'read':
      return { kind: 'got', item: outcome.item === undefined ? undefined : heldItem(outcome.item) };
    case 'scanned': {
      const items = new Map<string, HeldItem>();
      for (const item of outcome.items) items.set(String(decodeKey(item.key)), heldItem(item));
      return { kind: 'scanned', items, more: outcome.more };
    }
    case 'failed':
      return { kind: 'failed', code: outcome.code, message: outcome.message };
    case 'unknown':
      return { kind: 'unknown' };
    default:
      throw new TypeError(`a load asks for nothing that is answered with ${outcome.kind}`);
  }
}

function heldItem(item: { readonly value: Uint8Array; readonly version: number }): HeldItem {
  return { value: held(item.value), version: item.version };
}

function held(bytes: Uint8Array): Held {
  const value = decodeValue(bytes);
  assert(typeof value === 'string' || typeof value === 'number', 'a load writes texts and numbers');
  return value;
}

/** For a loop, beside a client actor. `watch` gets the actor itself. */
export function loadDefinition(
  kind: string,
  profile: () => LoadProfile,
  history: History,
  client: string,
  watch: (actor: LoadActor) => void,
): ActorDefinition {
  return {
    kind,
    durable: false,
    create: (): Actor<never> => {
      const actor = new LoadActor(profile(), history, client);
      watch(actor);
      return actor;
    },
  };
}
