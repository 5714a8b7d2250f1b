// A client under load: asks, notes what it asked and what it was told, asks again
// =============================================================================
//
// Keeps a number of operations under way through the client actor beside it in its loop. Keys fall into four families:
//
//   register-<n>   put, conditional put, delete, get: a few keys, some hotter than others
//   counter-<n>    increment, get
//   <client>-<n>   put once with `ifVersion` 0: what was acknowledged must be there for ever (the ledger)
//   whole partitions are scanned now and then, at once or page after page
//
// Every put writes a value that nobody else writes, so a value says which operation it came from. A burst makes it ask much more for a while,
// and perhaps only of a few keys.
//
// Invariants
//   U1. Each operation that was asked is noted before it is handed over, and its outcome is noted once.
//   U2. What operation n of a slot is depends on the seed, the slot and n, not on what became of others: one that is skipped leaves the
//       others what they were.

import type { Actor, ActorDefinition, Context, Message } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import { assert, present, unreachable } from '../../runtime/std/assert.js';
import { concatBytes } from '../../runtime/std/bytes.js';
import type { Random } from '../../runtime/std/random.js';
import { clientActor, type Operation, type Outcome, type Settled } from '../client/core/operations.js';
import type { Consistency } from '../protocol/client-messages.js';
import { decodeKey, encodeKey } from '../protocol/key.js';
import { decodeValue, encodeValue } from '../protocol/value.js';
import type { Asked, Entry, Held, History, HeldItem, Told } from './history.js';

export interface LoadTable {
  readonly name: string;
  /** None when they change, as those of a table that is deleted and made again: then they are not scanned. */
  readonly partitions: readonly number[];
}

export interface LoadProfile {
  readonly tables: readonly LoadTable[];
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
  /** Operations, by client, that are drawn and not asked: for making a failure smaller. */
  readonly skip?: Readonly<Record<string, readonly number[]>>;
}

export const families = [
  'put',
  'put-if',
  'delete',
  'get',
  'increment',
  'get-counter',
  'once',
  'scan',
  'scan-pages',
] as const;
export type Family = (typeof families)[number];

/** For a while, from more slots and with shorter pauses. */
export interface Burst {
  readonly lastsMs: number;
  readonly slots: number;
  readonly pauseMeanMs: number;
  readonly timeoutMs: number;
  /** Only these registers, read linearizably, and put with that share. */
  readonly focus?: { readonly table: string; readonly keys: readonly string[]; readonly putShare: number };
}

export type LoadCommand = { readonly kind: 'stop-load' } | ({ readonly kind: 'load-burst' } & Burst);
type LoadMessage = Settled | { readonly kind: 'ask'; readonly slot: number } | LoadCommand;
type Turn = Context<LoadMessage>;

/** Numbers of a client's operations: `n * slotCountMax + slot`. */
const slotCountMax = 64;

/** What asks one operation after the other. */
interface Slot {
  readonly number: number;
  asked: number;
  /** A walk over pages that is under way. */
  walk: Extract<Asked, { readonly kind: 'scan' }> | undefined;
  table: string;
  /** Undefined: of the load that never ends. */
  burst: { readonly untilMs: number; readonly burst: Burst } | undefined;
}

export class LoadActor implements Actor<LoadMessage> {
  readonly #profile: LoadProfile;
  readonly #history: History;
  readonly #client: string;
  readonly #skipped: ReadonlySet<number>;
  readonly #open = new Map<number, Entry>();
  /** Versions last seen of registers, by table and key, for conditions that have a chance to hold. */
  readonly #seen = new Map<string, number>();
  readonly #slots: Slot[] = [];
  #stopped = false;

  constructor(profile: LoadProfile, history: History, client: string) {
    assert(profile.concurrency <= slotCountMax / 2, 'U2: slots have numbers for themselves');
    this.#profile = profile;
    this.#history = history;
    this.#client = client;
    this.#skipped = new Set(profile.skip?.[client]);
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  /** What is asked and not answered. */
  get open(): Iterable<Entry> {
    return this.#open.values();
  }

  /** Numbers of the operations that were asked so far, slot by slot: what `LoadProfile.skip` can leave out. */
  get asked(): readonly number[] {
    return this.#slots.flatMap(({ number, asked }) =>
      Array.from({ length: asked }, (_, n) => n * slotCountMax + number).filter((id) => !this.#skipped.has(id)),
    );
  }

  start(context: Turn): void {
    for (let slot = 0; slot < this.#profile.concurrency; slot++) this.#askLater(this.#slot(slot), context);
  }

  receive(message: LoadMessage, from: Address, context: Turn): void {
    if (from.host !== context.self.host && from.host !== '@script') return;
    switch (message.kind) {
      case 'ask':
        return this.#ask(this.#slot(message.slot), context);
      case 'stop-load':
        this.#stopped = true;
        return;
      case 'load-burst':
        return this.#begin(message, context);
      case 'settled':
        for (const outcome of message.outcomes) this.#onOutcome(outcome, context);
        return;
    }
  }

  #slot(number: number): Slot {
    for (let next = this.#slots.length; next <= number; next++)
      this.#slots.push({ number: next, asked: 0, walk: undefined, table: '', burst: undefined });
    return this.#slots[number] as Slot;
  }

  /** Slots of their own, so that those which wait for slow answers do not end the burst. */
  #begin(burst: Burst, context: Turn): void {
    let wanted = burst.slots;
    for (let number = this.#profile.concurrency; number < slotCountMax && wanted > 0; number++) {
      const slot = this.#slot(number);
      if (slot.burst !== undefined) continue;
      wanted--;
      slot.burst = { untilMs: context.nowMs + burst.lastsMs, burst };
      this.#askLater(slot, context);
    }
  }

  #askLater(slot: Slot, context: Turn): void {
    const mean = slot.burst?.burst.pauseMeanMs ?? this.#profile.pauseMeanMs;
    const delayMs = slot.walk === undefined ? -Math.log(1 - context.random.fraction()) * mean : 0;
    context.timers.start(`slot ${slot.number}`, delayMs, { kind: 'ask', slot: slot.number });
  }

  #ask(slot: Slot, context: Turn): void {
    if (this.#stopped) return;
    if (slot.burst !== undefined && context.nowMs >= slot.burst.untilMs) {
      slot.burst = undefined;
      return;
    }
    const id = slot.asked++ * slotCountMax + slot.number;
    const random = context.random.split(`operation ${id}`); // U2
    const asked = this.#next(slot, id, random);
    const timeoutMs = slot.burst?.burst.timeoutMs ?? random.pick(this.#profile.timeoutsMs);
    if (this.#skipped.has(id)) {
      slot.walk = undefined;
      return this.#askLater(slot, context);
    }
    this.#open.set(id, this.#history.call(this.#client, slot.table, asked)); // U1
    const to = { ...context.self, actor: clientActor };
    context.send(to, { kind: 'submit', operations: [operationOf(asked, slot.table, id, timeoutMs)] } as Message);
  }

  #onOutcome(outcome: Outcome, context: Turn): void {
    const entry = present(this.#open.get(outcome.id), 'U1: an outcome of what was asked');
    this.#open.delete(outcome.id);
    const told = toldOf(outcome);
    this.#history.return(entry, told);
    const { asked, table } = entry;
    if (told.kind === 'written' && asked.kind !== 'scan')
      this.#seen.set(`${table} ${asked.key}`, asked.kind === 'delete' ? 0 : told.version);
    if (told.kind === 'got' && asked.kind === 'get') this.#seen.set(`${table} ${asked.key}`, told.item?.version ?? 0);
    const slot = this.#slot(outcome.id % slotCountMax);
    slot.walk = nextPage(asked, told);
    this.#askLater(slot, context);
  }

  #next(slot: Slot, id: number, random: Random): Asked {
    if (slot.walk !== undefined) return slot.walk;
    const focus = slot.burst?.burst.focus;
    if (focus !== undefined) {
      slot.table = focus.table;
      const key = random.pick(focus.keys);
      if (!random.chance(focus.putShare)) return { kind: 'get', key, consistency: 'linearizable' };
      return { kind: 'put', key, value: this.#value(id, random), ifVersion: undefined };
    }
    const table = random.pick(this.#profile.tables);
    slot.table = table.name;
    return this.#choose(table, id, random);
  }

  #choose({ name, partitions }: LoadTable, id: number, random: Random): Asked {
    const profile = this.#profile;
    const register = (): string => `register-${skewed(random, profile.registerCount, profile.skew)}`;
    const counter = (): string => `counter-${skewed(random, profile.counterCount, profile.skew)}`;
    const family = this.#family(random);
    switch (family) {
      case 'put':
        return { kind: 'put', key: register(), value: this.#value(id, random), ifVersion: undefined };
      case 'put-if': {
        const key = register();
        return { kind: 'put', key, value: this.#value(id, random), ifVersion: this.#seen.get(`${name} ${key}`) ?? 0 };
      }
      case 'delete': {
        const key = register();
        return { kind: 'delete', key, ifVersion: random.chance(0.3) ? this.#seen.get(`${name} ${key}`) : undefined };
      }
      case 'get':
        return { kind: 'get', key: register(), consistency: random.pick(profile.consistencies) };
      case 'increment':
        return { kind: 'increment', key: counter(), by: random.between(1, 3) };
      case 'get-counter':
        return { kind: 'get', key: counter(), consistency: random.pick(profile.consistencies) };
      case 'once':
        return { kind: 'put', key: `${this.#client}-${id}`, value: this.#value(id, random), ifVersion: 0 };
      case 'scan':
      case 'scan-pages': {
        const consistency = random.pick(profile.consistencies);
        if (partitions.length === 0) return { kind: 'get', key: register(), consistency };
        const partition = random.pick(partitions);
        if (family === 'scan') return { kind: 'scan', partition, consistency };
        return { kind: 'scan', partition, consistency, limit: random.between(1, 5), reverse: random.chance(0.5) };
      }
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

  #value(id: number, random: Random): Held {
    const mark = `${this.#client}:${id}`;
    if (!random.chance(0.1)) return mark;
    return mark.padEnd(random.below(Math.max(1, this.#profile.valueBytesMax)), '~');
  }
}

/** The page behind the one that was answered, when it said that there is more. */
function nextPage(asked: Asked, told: Told): Extract<Asked, { readonly kind: 'scan' }> | undefined {
  if (asked.kind !== 'scan' || asked.limit === undefined || told.kind !== 'scanned' || !told.more) return undefined;
  const last = [...told.items.keys()].at(-1);
  return last === undefined ? undefined : { ...asked, after: last };
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
      const { partition, consistency, after, reverse = false, limit = 10_000 } = asked;
      const from = after === undefined ? empty : encodeKey(after);
      const start = after === undefined || reverse ? empty : concatBytes([from, new Uint8Array(1)]); // the next key there can be
      const range = { start, end: reverse ? from : empty, reverse, limit, bytesMax: scanBytesMax };
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
      return {
        kind: 'got',
        item: outcome.item === undefined ? undefined : heldItem(outcome.item),
        partition: outcome.partition,
      };
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
