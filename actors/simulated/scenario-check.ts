// A scenario from a file, checked
// =============================================================================
//
// Replay files are kept for years and edited by hand: each field of a scenario has its type and its bounds here, and what has to fit together
// does. A field added to the types does not compile until it is added here.

import { consistencies } from '../../messaging/protocol/client-messages.js';
import { durabilities, partitionings, readModes, storages } from '../../messaging/protocol/cluster-map.js';
import type { TableOptions } from '../../messaging/protocol/host-messages.js';
import { families, type Family } from '../../messaging/workload/load-actor.js';
import { plantedBugs, type PlantedBug } from '../../runtime/probes/planted-bugs.js';
import { type Site, sites } from '../../runtime/probes/sites.js';
import { faultKinds, type FaultPlan } from '../../runtime/simulation/fault-plan.js';
import type { ActiveSite } from '../../runtime/simulation/simulated-probes.js';
import type { NetworkOptions } from '../../runtime/simulation/simulated-network.js';
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
  text,
  whole,
  word,
  yesOrNo,
} from './checked-data.js';
import type { Scenario } from './scenario.js';

const dayMs = 86_400_000;
const bytesMax = 2 ** 31;

const milliseconds = number(0, dayMs);
const probability = number(0, 1);
const name = text(/^[\w.~-]{1,64}$/, 'a name of letters, digits, dots and dashes');

const tableOptions = record<TableOptions>({
  partitions: optional(whole(1, 64)),
  replicas: optional(whole(1, 16)),
  minInSync: optional(whole(1, 16)),
  partitioning: optional(word('partitioning', partitionings)),
  storage: optional(word('storage', storages)),
  durability: optional(word('durability', durabilities)),
  versions: optional(whole(1, 1_000_000)),
  reads: optional(word('read mode', readModes)),
});

const network: Fields<Partial<NetworkOptions>> = {
  delayMinMs: optional(milliseconds),
  delayMeanMs: optional(milliseconds),
  delayMaxMs: optional(milliseconds),
  localDelayMs: optional(milliseconds),
  lossProbability: optional(probability),
  duplicateProbability: optional(probability),
  reorderProbability: optional(probability),
  reorderMs: optional(milliseconds),
  frameMessageCountMax: optional(whole(1, 1_000_000)),
  linkFrameCountMax: optional(whole(1, 10_000_000)),
  reconnectBufferProbability: optional(probability),
};

const faults = record<FaultPlan>({
  network: record<Partial<NetworkOptions>>(network),
  everyMs: table('fault', faultKinds, number(1, dayMs)),
  lastsMeanMs: milliseconds,
  lastsMaxMs: milliseconds,
  downCountMax: whole(0, 16),
  driftMax: number(0, 1),
  lossyHosts: optional(list(name, 0, 16)),
  forgetfulHosts: optional(list(name, 0, 16)),
  overBudget: optional(yesOrNo),
});

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
});

const fields: Fields<Scenario> = {
  seed: name,
  hosts: whole(1, 16),
  workers: whole(1, 16),
  founders: whole(1, 5),
  encoded: yesOrNo,
  sealed: yesOrNo,
  tables: list(record<Scenario['tables'][number]>({ name, options: tableOptions }), 1, 16),
  clients: whole(1, 64),
  load,
  faults,
  sites: list(
    record<ActiveSite>({ site: word('site', Object.keys(sites) as Site[]), probability }),
    0,
    Object.keys(sites).length,
  ),
  planted: optional(word('planted bug', Object.keys(plantedBugs) as PlantedBug[])),
  deathsReported: yesOrNo,
  safetyMs: number(0, 30 * dayMs),
  replicaLimits: record<ReplicaLimits>({
    snapshotBytesMin: whole(0, bytesMax),
    logBytesKept: whole(0, bytesMax),
    chunkBytesMax: whole(1, bytesMax),
    checkEvery: whole(1, 1_000_000_000),
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
