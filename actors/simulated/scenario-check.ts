// A scenario from a file, checked
// =============================================================================
//
// Replay files are kept for years and edited by hand: each field of a scenario has its type and its bounds here, and what has to fit together
// does. A field added to the types does not compile until it is added here.

import { consistencies } from '../../messaging/protocol/client-messages.js';
import { families, type Family } from '../../messaging/workload/load-actor.js';
import { plantedBugs, type PlantedBug } from '../../runtime/probes/planted-bugs.js';
import { type Site, sites } from '../../runtime/probes/sites.js';
import { faultKinds, type FaultPlan } from '../../runtime/simulation/fault-plan.js';
import { type FaultEpisode, parseSchedule, ScheduleError } from '../../runtime/simulation/fault-schedule.js';
import type { ActiveSite } from '../../runtime/simulation/simulated-probes.js';
import { type NetworkOptions, quietNetwork } from '../../runtime/simulation/simulated-network.js';
import type { ReplicaLimits } from '../partition/replica-core.js';
import {
  type Check,
  DataError,
  type Fields,
  list,
  number,
  optional,
  record,
  table,
  whole,
  word,
  yesOrNo,
} from './checked-data.js';
import type { ClientWindows, Scenario, TablePlan } from './scenario.js';
import { dayMs, milliseconds, name, tableOptions } from './scenario-parts-check.js';
import { stepCheck } from './script-check.js';

const bytesMax = 2 ** 31;

const probability = number(0, 1);

/** Every knob of the network by its name, which says what it is. */
function knob(knobName: string): Check<number> {
  if (knobName.endsWith('Probability')) return probability;
  return knobName.endsWith('Ms') ? milliseconds : whole(1, 10_000_000);
}

const network = record<Partial<NetworkOptions>>(
  Object.fromEntries(
    Object.keys(quietNetwork).map((knobName) => [knobName, optional(knob(knobName))]),
  ) as unknown as Fields<Partial<NetworkOptions>>,
);

const faults = record<FaultPlan>({
  network,
  everyMs: table('fault', faultKinds, number(1, dayMs)),
  lastsMeanMs: milliseconds,
  lastsMaxMs: milliseconds,
  downCountMax: whole(0, 16),
  driftMax: number(0, 1),
  lossyHosts: optional(list(name, 0, 16)),
  forgetfulHosts: optional(list(name, 0, 16)),
  overBudget: optional(yesOrNo),
});

/** By client, numbers of its operations. */
const skip: Check<Readonly<Record<string, readonly number[]>>> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DataError(`${path} is an object with a list for each client`);
  const numbers = list(whole(0, Number.MAX_SAFE_INTEGER), 0, 1_000_000);
  return Object.fromEntries(
    Object.entries(value).map(([client, skipped]) => [name(client, path), numbers(skipped, `${path}.${client}`)]),
  );
};

/** What `parseSchedule` refuses, with the path to it. */
const schedule: Check<readonly FaultEpisode[]> = (value, path) => {
  try {
    return parseSchedule(value);
  } catch (error) {
    if (error instanceof ScheduleError) throw new DataError(`${path}: ${error.message}`);
    throw error;
  }
};

const load = record<Scenario['load']>({
  concurrency: whole(1, 1000),
  pauseMeanMs: milliseconds,
  registerCount: whole(1, 1_000_000),
  counterCount: whole(1, 1_000_000),
  skew: number(0.01, 100),
  valueBytesMax: whole(0, 1_048_576),
  weights: record<Record<Family, number>>(
    Object.fromEntries(families.map((family) => [family, number(0, 1_000_000)])) as Fields<Record<Family, number>>,
  ),
  timeoutsMs: list(number(1, dayMs), 1, 16),
  consistencies: list(word('consistency', consistencies), 1, 16),
  skip: optional(skip),
});

const fields: Fields<Scenario> = {
  seed: name,
  hosts: whole(1, 16),
  workers: whole(1, 16),
  founders: whole(1, 5),
  encoded: yesOrNo,
  sealed: yesOrNo,
  journalKind: word('kind of journal', ['disk', 'model']),
  tables: list(record<TablePlan>({ name, options: tableOptions }), 1, 16),
  clients: whole(1, 64),
  load,
  windows: record<ClientWindows>({
    batchesInFlightMax: whole(1, 10_000),
    requestsInFlightMax: whole(1, 10_000),
    batchCountMax: whole(1, 100_000),
    attemptTimeoutMs: number(1, dayMs),
  }),
  faults,
  schedule: optional(schedule),
  script: list(stepCheck, 0, 100_000),
  sites: list(
    record<ActiveSite>({ site: word('site', Object.keys(sites) as Site[]), probability }),
    0,
    Object.keys(sites).length,
  ),
  planted: optional(word('planted bug', Object.keys(plantedBugs) as PlantedBug[])),
  deathsReported: yesOrNo,
  safetyMs: number(0, 30 * dayMs),
  livenessMs: milliseconds,
  searched: yesOrNo,
  replicaLimits: record<ReplicaLimits>({
    snapshotBytesMin: whole(0, bytesMax),
    logBytesKept: whole(0, bytesMax),
    chunkBytesMax: whole(1, bytesMax),
    checkEvery: whole(1, 1_000_000_000),
    lagBytesKept: optional(whole(0, bytesMax)),
    lagMaxMs: optional(number(1, dayMs)),
  }),
  journal: record<Scenario['journal']>({ segmentBytes: whole(4096, bytesMax), journalBytesMax: whole(4096, bytesMax) }),
};

const eachField = record<Scenario>(fields);

/** @throws DataError that names the field */
export const scenarioCheck: Check<Scenario> = (value, path) => {
  const scenario = eachField(value, path);
  const { hosts, founders, tables } = scenario;
  if (founders % 2 === 0) throw new DataError(`${path}.founders is 1, 3 or 5, not ${founders}`);
  if (founders > hosts) throw new DataError(`${path}.founders is at most the ${hosts} hosts, not ${founders}`);
  tables.forEach(({ name: tableName, options }, i) => {
    const { replicas = 3, minInSync = 1 } = options;
    const at = `${path}.tables[${i}].options`;
    if (tables.findIndex((one) => one.name === tableName) !== i)
      throw new DataError(`${path}.tables[${i}].name: there is another ${tableName}`);
    if (replicas > hosts) throw new DataError(`${at}.replicas is at most the ${hosts} hosts, not ${replicas}`);
    if (minInSync > replicas)
      throw new DataError(`${at}.minInSync is at most its ${replicas} replicas, not ${minInSync}`);
  });
  return scenario;
};
