// What an operator and the world do to a mesh while it is under load
// =============================================================================
//
// A list of steps with their times: tables come and go, hosts join, are drained and leave, clients vanish, bursts come, and traps are laid for
// stale reads. Plain data, drawn with the scenario; script-player.ts plays it. Random faults (runtime/simulation/faults) come on top.
//
// A trap is a chain of events that a random plan strings together too seldom: a leader is deposed while it may still believe in its lease, some
// clients know only the old one, the others only the new, and both are asked for the same few keys at a high rate. `cut-off`: the leader's host
// and its clients are cut off, then the host is drained from outside · `late-lease`: grants to its host are late by a second, then it is cut off ·
// `deaf`: it hears grants of leases and clients, and nothing else, and is drained · `stuck`: its worker stands still while the agent's heartbeats go on ·
// `slow-group`: its heartbeats are lost for a while, and heard again while the group, whose disks are slow, commits that it is deposed; it does not
// hear of that · `lost-successor`: deaf, and the host that is elected in its place dies at once · `lost-controller`: a host that
// leads the metadata, too, is drained and cut off right then, with its clients; another leader of the metadata has to see to the rest.
//
// Sources: CORRECTNESS §2.4, §3.2 (O2, O3, Q3, Q4, U1–U4), §3.4; planted bugs PB17, PB18, PB19, PB41, PB43, PB44.

import type { TableOptions } from '../../messaging/protocol/host-messages.js';
import type { Random } from '../../runtime/std/random.js';

export const traps = [
  'cut-off',
  'late-lease',
  'deaf',
  'stuck',
  'slow-group',
  'lost-successor',
  'lost-controller',
] as const;
export type Trap = (typeof traps)[number];

export const stepNames = [
  'create-table',
  'delete-table',
  'add-host',
  'drain-host',
  'remove-host',
  'vanish-client',
  'burst',
  'trap',
] as const;
export type StepName = (typeof stepNames)[number];

/** `atMs`: since the safety phase began. */
export type ScriptStep = { readonly atMs: number } & (
  | { readonly step: 'create-table'; readonly table: string; readonly options: TableOptions }
  | { readonly step: 'delete-table'; readonly table: string }
  | { readonly step: 'add-host'; readonly host: string }
  | { readonly step: 'drain-host'; readonly host: string; readonly drain: boolean }
  /** When it holds nothing any more, or is not there; else it is refused. */
  | { readonly step: 'remove-host'; readonly host: string }
  /** For good, with all that it had asked. */
  | { readonly step: 'vanish-client'; readonly client: string }
  | { readonly step: 'burst'; readonly client: string; readonly lastsMs: number; readonly pauseMeanMs: number }
  /** `partition`: position in its table, of those made at the beginning; `lost-controller` takes one that is led where the metadata is, if any. */
  | {
      readonly step: 'trap';
      readonly trap: Trap;
      readonly table: string;
      readonly partition: number;
      readonly lastsMs: number;
    }
);

export interface ScriptBounds {
  readonly hosts: number;
  readonly safetyMs: number;
  readonly clients: number;
  readonly tables: readonly { readonly name: string; readonly options: TableOptions }[];
  /** The drawn tables that are deleted and made again, by name. */
  readonly churned: readonly { readonly name: string; readonly options: TableOptions }[];
  /** What a trap may take from the fault budget: a host at a time. */
  readonly traps: boolean;
}

export function drawScript(random: Random, bounds: ScriptBounds): readonly ScriptStep[] {
  const steps = [
    ...tableChurn(random.split('tables'), bounds),
    ...hostChurn(random.split('hosts'), bounds),
    ...clients(random.split('clients'), bounds),
    ...(bounds.traps ? drawTraps(random.split('traps'), bounds) : []),
  ];
  return steps.sort((a, b) => a.atMs - b.atMs);
}

function tableChurn(random: Random, { churned, safetyMs }: ScriptBounds): ScriptStep[] {
  const steps: ScriptStep[] = [];
  for (const { name, options } of churned) {
    const lifeMs = random.pick([3000, 8000, 20_000]);
    for (let atMs = random.below(5000); atMs < safetyMs; ) {
      steps.push({ atMs, step: 'create-table', table: name, options });
      atMs += Math.round(lifeMs * (0.5 + random.fraction()));
      if (atMs >= safetyMs) break;
      steps.push({ atMs, step: 'delete-table', table: name });
      atMs += random.pick([1, 50, 1000]);
    }
  }
  return steps;
}

function hostChurn(random: Random, { hosts, safetyMs }: ScriptBounds): ScriptStep[] {
  const steps: ScriptStep[] = [];
  const within = (from: number, to: number): number => Math.round(safetyMs * (from + (to - from) * random.fraction()));
  if (random.chance(0.25)) steps.push({ atMs: within(0.05, 0.4), step: 'add-host', host: `h${hosts + 1}` });
  if (hosts >= 3 && random.chance(0.25)) {
    // Members of the metadata group too: the group replaces who is gone.
    const host = `h${random.between(1, hosts)}`;
    const atMs = within(0.1, 0.5);
    steps.push({ atMs, step: 'drain-host', host, drain: true });
    if (random.chance(0.5)) {
      // Refused while it holds something: asked again.
      for (const share of [0.5, 0.7, 0.9])
        steps.push({ atMs: atMs + Math.round((safetyMs - atMs) * share), step: 'remove-host', host });
    } else steps.push({ atMs: within(0.6, 0.9), step: 'drain-host', host, drain: false });
  }
  return steps;
}

function clients(random: Random, { clients: count, safetyMs }: ScriptBounds): ScriptStep[] {
  const steps: ScriptStep[] = [];
  if (count >= 2 && random.chance(0.2))
    steps.push({ atMs: random.below(safetyMs), step: 'vanish-client', client: `c${count}` });
  if (random.chance(0.3)) {
    for (let i = random.between(1, 3); i > 0; i--) {
      const client = `c${random.between(1, count)}`;
      steps.push({
        atMs: random.below(safetyMs),
        step: 'burst',
        client,
        lastsMs: 1000,
        pauseMeanMs: random.pick([5, 20]),
      });
    }
  }
  return steps;
}

function drawTraps(random: Random, { tables, safetyMs }: ScriptBounds): ScriptStep[] {
  const steps: ScriptStep[] = [];
  if (!random.chance(0.5)) return steps;
  for (let i = random.between(1, 3); i > 0; i--) {
    const { name, options } = random.pick(tables);
    const atMs = random.below(Math.max(1, safetyMs - 4000));
    const partition = random.below(options.partitions ?? 1);
    const drawnMs = random.pick([1500, 2500, 4000]);
    const trap = random.pick(traps);
    // A grant that is late by a second is in force for long after whoever granted it takes it to be over.
    const lastsMs = trap === 'late-lease' ? 4000 : drawnMs;
    steps.push({ atMs, step: 'trap', trap, table: name, partition, lastsMs });
  }
  return steps;
}
