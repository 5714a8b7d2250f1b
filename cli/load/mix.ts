// What a load asks for, in which shares
// =============================================================================

import { usage } from '../cli-error.js';
import type { Random } from '../../runtime/std/random.js';

/** `insert` puts a key that nobody else ever puts, if it is absent; `cas` puts if the item has the version last seen. */
export const operationKinds = ['get', 'put', 'delete', 'increment', 'cas', 'insert', 'range'] as const;
export type OperationKind = (typeof operationKinds)[number];

export type Mix = Readonly<Record<OperationKind, number>>;

/** `get=80,put=20`: shares of any sum. @throws CliError */
export function parseMix(text: string): Mix {
  const mix = Object.fromEntries(operationKinds.map((kind) => [kind, 0])) as Record<OperationKind, number>;
  for (const part of text.split(',')) {
    const match = /^([a-z]+)=(\d+(?:\.\d+)?)$/.exec(part.trim());
    const kind = match?.[1] as OperationKind | undefined;
    if (kind === undefined || !operationKinds.includes(kind))
      throw usage(`--mix takes shares such as get=80,put=20 of ${operationKinds.join(', ')}, not ${part}`);
    mix[kind] += Number(match?.[2]);
  }
  const sum = operationKinds.reduce((total, kind) => total + mix[kind], 0);
  if (sum === 0) throw usage('--mix has no share above 0');
  if (!Number.isFinite(sum)) throw usage('--mix has shares beyond all numbers');
  return mix;
}

export function pickKind(mix: Mix, random: Random): OperationKind {
  let total = 0;
  for (const kind of operationKinds) total += mix[kind];
  let draw = random.fraction() * total;
  let last: OperationKind = 'get';
  for (const kind of operationKinds) {
    if (mix[kind] === 0) continue;
    last = kind;
    draw -= mix[kind];
    if (draw < 0) return kind;
  }
  return last; // the sum of the shares was rounded
}
