// What leaks real time or real randomness throws while the simulation runs
// =============================================================================
//
// A tidy test forbids these by name; this catches what it cannot see, such as a dependency that looks at a clock.
//
// Invariants
//   J1. While a simulated event is handled, each of these throws, and says what to use instead. Afterwards all are as before.
//
// Sources: Temporal's workflow sandbox.

import { assert } from '../std/assert.js';

/** Thrown by a tripwire. */
export class DeterminismError extends Error {
  override readonly name = 'DeterminismError';
}

interface Wire {
  readonly owner: object;
  readonly name: string;
  readonly instead: string;
}

const timers = 'context.timers.start';

const wires: readonly Wire[] = [
  { owner: Date, name: 'now', instead: 'context.nowMs (or context.wallMs, for people)' },
  { owner: performance, name: 'now', instead: 'context.nowMs' },
  { owner: Math, name: 'random', instead: 'context.random' },
  { owner: crypto, name: 'randomUUID', instead: 'context.random' },
  { owner: crypto, name: 'getRandomValues', instead: 'context.random' },
  { owner: globalThis, name: 'setTimeout', instead: timers },
  { owner: globalThis, name: 'setInterval', instead: timers },
  { owner: globalThis, name: 'setImmediate', instead: 'context.send to context.self' },
  { owner: globalThis, name: 'queueMicrotask', instead: 'context.send to context.self' },
  { owner: process, name: 'nextTick', instead: 'context.send to context.self' },
  { owner: process, name: 'hrtime', instead: 'context.nowMs' },
  { owner: process, name: 'uptime', instead: 'context.bootMs' },
];

let armed = 0;
let saved: (PropertyDescriptor | undefined)[] = [];

function thrower(name: string, instead: string): () => never {
  return () => {
    throw new DeterminismError(`${name} is not for simulated code: use ${instead}`);
  };
}

/** `new Date()` and `Date()` look at the clock too; `new Date(ms)` does not. */
function tripDate(real: DateConstructor): DateConstructor {
  return new Proxy(real, {
    construct: (target, args: unknown[], newTarget) => {
      if (args.length === 0) throw new DeterminismError('new Date() is not for simulated code: use context.wallMs');
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply: thrower('Date()', 'context.wallMs'),
  });
}

function label({ owner, name }: Wire): string {
  if (owner === globalThis) return name;
  const owners = new Map<object, string>([
    [Date, 'Date'],
    [performance, 'performance'],
    [Math, 'Math'],
    [crypto, 'crypto'],
    [process, 'process'],
  ]);
  return `${owners.get(owner) ?? '?'}.${name}`;
}

const labels = wires.map(label);
const realDate = Date;
const trippedDate = tripDate(realDate);

/** Runs `action` with the tripwires set; nests. J1 */
export function withTripwires<T>(action: () => T): T {
  if (armed++ === 0) {
    saved = wires.map(({ owner, name }) => Object.getOwnPropertyDescriptor(owner, name));
    wires.forEach(({ owner, name, instead }, i) => {
      const value = thrower(labels[i] as string, instead);
      if (name === 'hrtime')
        Object.defineProperty(value, 'bigint', { value: thrower('process.hrtime.bigint', instead) });
      Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    });
    globalThis.Date = trippedDate;
  }
  try {
    return action();
  } finally {
    armed--;
    assert(armed >= 0, 'J1: tripwires are lifted as often as they are set');
    if (armed === 0) {
      globalThis.Date = realDate;
      wires.forEach(({ owner, name }, i) => {
        const descriptor = saved[i];
        // What was inherited (performance.now is on its prototype) is uncovered again.
        if (descriptor === undefined) Reflect.deleteProperty(owner, name);
        else Object.defineProperty(owner, name, descriptor);
      });
    }
  }
}
