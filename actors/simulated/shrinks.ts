// Simpler scenarios than a given one, by one thing at a time
// =============================================================================
//
// Each shrink gives candidates, the simplest first; whether one still fails is for others to find out (minimize.ts). A candidate is a scenario
// that could have been drawn, or is simpler: replicas fit the hosts, founders are odd, one client and one table are left.
//
// Invariants
//   M1. A chain of candidates ends: each is smaller than what it was made of in one thing, and larger in none.
//   M2. Every candidate passes scenario-check.ts if what it was made of did.

import { quietNetwork } from '../../runtime/simulation/simulated-network.js';
import { families, type Family } from '../../messaging/workload/load-actor.js';
import type { Scenario, TablePlan } from './scenario.js';

export interface Shrink {
  readonly name: string;
  readonly candidates: (scenario: Scenario) => Iterable<Scenario>;
}

/** Where one step is worth a run. */
const fewMax = 16;

/** Towards `min`: all the way, half of it, and of few one step. */
function smaller(value: number, min: number): number[] {
  const steps = [min, min + Math.floor((value - min) / 2), ...(value <= fewMax ? [value - 1] : [])];
  return [...new Set(steps)].filter((step) => step >= min && step < value);
}

function loadWith(scenario: Scenario, load: Partial<Scenario['load']>): Scenario {
  return { ...scenario, load: { ...scenario.load, ...load } };
}

function* eachTable(scenario: Scenario, change: (table: TablePlan) => Iterable<TablePlan>): Generator<Scenario> {
  const { tables } = scenario;
  for (const [i, table] of tables.entries())
    for (const changed of change(table)) yield { ...scenario, tables: tables.with(i, changed) };
}

function optionsWith(table: TablePlan, options: Partial<TablePlan['options']>): TablePlan {
  return { ...table, options: { ...table.options, ...options } };
}

/** Network options that make a run harder to follow, and what they are in a quiet one. */
const networkKnobs = [
  'lossProbability',
  'duplicateProbability',
  'reorderProbability',
  'reconnectBufferProbability',
  'frameMessageCountMax',
] as const;

function* quieter(scenario: Scenario): Generator<Scenario> {
  const { network } = scenario.faults;
  const withNetwork = (changed: typeof network): Scenario => ({
    ...scenario,
    faults: { ...scenario.faults, network: changed },
  });
  if (Object.keys(network).length === 0) return;
  yield withNetwork({});
  for (const knob of networkKnobs)
    if (network[knob] !== undefined && network[knob] !== quietNetwork[knob]) {
      const { [knob]: _, ...rest } = network;
      yield withNetwork(rest);
    }
  // Every frame takes the mean time.
  const { delayMeanMs, delayMinMs, delayMaxMs } = network;
  if (delayMeanMs !== undefined && delayMaxMs !== delayMeanMs)
    yield withNetwork({ ...network, delayMinMs: delayMinMs ?? delayMeanMs, delayMeanMs, delayMaxMs: delayMeanMs });
}

function* fewerHosts(scenario: Scenario): Generator<Scenario> {
  for (const hosts of smaller(scenario.hosts, 1)) {
    const founders = scenario.founders <= hosts ? scenario.founders : hosts >= 3 ? 3 : 1;
    const tables = scenario.tables.map((table) => {
      const { replicas = 3, minInSync = 1 } = table.options;
      if (replicas <= hosts) return table;
      return optionsWith(table, { replicas: hosts, minInSync: Math.min(minInSync, hosts) });
    });
    yield { ...scenario, hosts, founders, tables };
  }
}

function* fewerTables(scenario: Scenario): Generator<Scenario> {
  const { tables } = scenario;
  if (tables.length === 1) return;
  for (const [i, { name }] of tables.entries()) {
    const script = scenario.script.filter((step) => !('table' in step && step.table === name));
    yield { ...scenario, tables: tables.toSpliced(i, 1), script };
  }
}

function* calmerLoad(scenario: Scenario): Generator<Scenario> {
  const { load } = scenario;
  for (const concurrency of smaller(load.concurrency, 1)) yield loadWith(scenario, { concurrency });
  for (const family of families) {
    const others = families.some((other) => other !== family && load.weights[other] > 0);
    if (load.weights[family] > 0 && others)
      yield loadWith(scenario, { weights: { ...load.weights, [family]: 0 } satisfies Record<Family, number> });
  }
  for (const registerCount of smaller(load.registerCount, 1)) yield loadWith(scenario, { registerCount });
  for (const counterCount of smaller(load.counterCount, 1)) yield loadWith(scenario, { counterCount });
  for (const valueBytesMax of smaller(load.valueBytesMax, 0)) yield loadWith(scenario, { valueBytesMax });
  if (load.skew > 1) yield loadWith(scenario, { skew: 1 });
  for (const timeoutsMs of oneOf(load.timeoutsMs)) yield loadWith(scenario, { timeoutsMs });
  for (const consistencies of oneOf(load.consistencies)) yield loadWith(scenario, { consistencies });
}

/** Each element of a list by itself. */
function oneOf<T>(items: readonly T[]): T[][] {
  return items.length === 1 ? [] : [...new Set(items)].map((item) => [item]);
}

const pauseMaxMs = 10_000;

export const shrinks: readonly Shrink[] = [
  { name: 'network', candidates: quieter },
  {
    name: 'clients',
    candidates: (scenario) => smaller(scenario.clients, 1).map((clients) => ({ ...scenario, clients })),
  },
  { name: 'tables', candidates: fewerTables },
  {
    name: 'partitions',
    candidates: (scenario) =>
      eachTable(scenario, (table) =>
        smaller(table.options.partitions ?? 1, 1).map((partitions) => optionsWith(table, { partitions })),
      ),
  },
  { name: 'hosts', candidates: fewerHosts },
  {
    name: 'founders',
    candidates: (scenario) =>
      [1, 3].filter((founders) => founders < scenario.founders).map((founders) => ({ ...scenario, founders })),
  },
  {
    name: 'workers',
    candidates: (scenario) => smaller(scenario.workers, 1).map((workers) => ({ ...scenario, workers })),
  },
  {
    name: 'replicas',
    candidates: (scenario) =>
      eachTable(scenario, (table) =>
        smaller(table.options.replicas ?? 3, 1).map((replicas) =>
          optionsWith(table, { replicas, minInSync: Math.min(table.options.minInSync ?? 1, replicas) }),
        ),
      ),
  },
  {
    name: 'minimum in sync',
    candidates: (scenario) =>
      eachTable(scenario, (table) =>
        smaller(table.options.minInSync ?? 1, 1).map((minInSync) => optionsWith(table, { minInSync })),
      ),
  },
  { name: 'load', candidates: calmerLoad },
  {
    name: 'pauses',
    candidates: ({ load, ...rest }) =>
      [8, 2]
        .map((factor) => load.pauseMeanMs * factor)
        .filter((pauseMeanMs) => pauseMeanMs > 0 && pauseMeanMs <= pauseMaxMs)
        .map((pauseMeanMs) => loadWith({ load, ...rest }, { pauseMeanMs })),
  },
  {
    name: 'ways of running',
    candidates: function* (scenario) {
      if (scenario.livenessMs > 0) yield { ...scenario, livenessMs: 0 };
      if (scenario.journalKind === 'disk') yield { ...scenario, journalKind: 'model', encoded: false };
      for (const way of ['encoded', 'sealed', 'searched', 'deathsReported'] as const)
        if (scenario[way]) yield { ...scenario, [way]: false };
    },
  },
  {
    name: 'times of episodes',
    candidates: function* (scenario) {
      const { schedule = [], faults } = scenario;
      // With a schedule nothing is drawn from the plan.
      if (Object.keys(faults.everyMs).length > 0 && scenario.schedule !== undefined)
        yield { ...scenario, faults: { ...faults, everyMs: {} } };
      const whole = schedule.map((one) => ({ ...one, atMs: Math.round(one.atMs), lastsMs: Math.ceil(one.lastsMs) }));
      const isWhole = schedule.every(({ atMs, lastsMs }) => Number.isInteger(atMs) && Number.isInteger(lastsMs));
      if (!isWhole) yield { ...scenario, schedule: whole };
    },
  },
];
