// What is inside a host message, checked before an actor sees it
// =============================================================================
//
// CBOR says that there are maps, lists and numbers; it does not say which. A client that may publish at all could send a request whose
// fields are of other types, and an actor that trusts them would crash. So each field of each kind has a check here; the
// types make sure that none is forgotten. A field that is not listed was added by a later version: it is let through.
//
// Invariants
//   W1. An actor never sees a host message with a field of another type than its union arm says.
//   W2. Numbers that count, order or identify are safe integers from 0 on; times may have a fraction.

import { DecodeError } from '../../runtime/std/byte-reader.js';
import {
  durabilities,
  type HostInfo,
  hostStates,
  type MapDelta,
  type MetadataMember,
  type PartitionInfo,
  partitionings,
  readModes,
  type ReplicaInfo,
  storages,
  type TableInfo,
} from './cluster-map.js';
import type {
  AdminCommand,
  AdminFailure,
  HostMessage,
  ReplicaReport,
  ReplicaStatus,
  TableOptions,
  WorkerStatus,
} from './host-messages.js';

type Check = (value: unknown) => boolean;
/** One check for each field, optional ones included. */
type Fields<T> = { readonly [Name in keyof Required<T>]: Check };

const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const milliseconds: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const number: Check = (value) => typeof value === 'number';
const text: Check = (value) => typeof value === 'string';
const flag: Check = (value) => typeof value === 'boolean';
const anything: Check = () => true;

function word(words: readonly string[]): Check {
  return (value) => typeof value === 'string' && words.includes(value);
}

function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function recordOf<T>(fields: Fields<T>): Check {
  const checks = Object.entries<Check>(fields);
  return (value) => isRecord(value) && checks.every(([name, check]) => check(value[name]));
}

function dictionaryOf(check: Check): Check {
  return (value) => isRecord(value) && Object.values(value).every(check);
}

const replicaReport = recordOf<ReplicaReport>({
  partition: count,
  incarnation: count,
  verdict: word(['complete', 'tail-uncertain', 'incomplete'] satisfies ReplicaReport['verdict'][]),
  lineage: count,
  lastEpoch: count,
  end: count,
});

const replicaInfo = recordOf<ReplicaInfo>({ host: text, epoch: count, incarnation: count });

const partitionInfo = recordOf<PartitionInfo>({
  id: count,
  revision: count,
  table: text,
  index: count,
  lineage: count,
  leader: optional(text),
  leaderEpoch: count,
  partitionEpoch: count,
  replicas: listOf(replicaInfo),
  inSync: listOf(text),
  eligible: listOf(text),
  lastKnownEligible: listOf(text),
  holdMs: milliseconds,
  reason: text,
});

const tableInfo = recordOf<TableInfo>({
  name: text,
  revision: count,
  partitions: listOf(count),
  replicas: count,
  minInSync: count,
  partitioning: word(partitionings),
  storage: word(storages),
  durability: word(durabilities),
  versions: count,
  reads: word(readModes),
});

const hostInfo = recordOf<HostInfo>({
  name: text,
  revision: count,
  state: word(hostStates),
  epoch: count,
  startId: text,
  diskId: text,
  workers: count,
  rack: text,
  pid: count,
  version: text,
});

const mapDelta = recordOf<MapDelta>({
  clusterId: text,
  after: count,
  revision: count,
  reset: flag,
  hosts: listOf(hostInfo),
  tables: listOf(tableInfo),
  partitions: listOf(partitionInfo),
  deletedTables: listOf(text),
  deletedPartitions: listOf(count),
  members: listOf(recordOf<MetadataMember>({ id: text, host: text, voter: flag })),
  metadataLeader: optional(text),
  metadataTerm: count,
});

const workerStatus = recordOf<WorkerStatus>({
  worker: count,
  turns: count,
  queued: count,
  actors: count,
  heapBytes: count,
  epoch: optional(count),
});

const replicaStatus = recordOf<ReplicaStatus>({
  partition: count,
  host: text,
  role: word(['leader', 'follower', 'idle'] satisfies ReplicaStatus['role'][]),
  epoch: count,
  logEnd: count,
  durableEnd: count,
  highWatermark: count,
  applied: count,
  itemCount: count,
  itemBytes: count,
  active: optional(flag),
});

// Whether the numbers are sensible is for the state machine to say, with a reason.
const tableOptions = recordOf<TableOptions>({
  partitions: optional(number),
  replicas: optional(number),
  minInSync: optional(number),
  partitioning: optional(word(partitionings)),
  storage: optional(word(storages)),
  durability: optional(word(durabilities)),
  versions: optional(number),
  reads: optional(word(readModes)),
});

type Command<Name extends AdminCommand['command']> = Omit<Extract<AdminCommand, { readonly command: Name }>, 'command'>;

const commands: { readonly [Name in AdminCommand['command']]: Check } = {
  'create-table': recordOf<Command<'create-table'>>({ name: text, options: tableOptions, ifMissing: optional(flag) }),
  'delete-table': recordOf<Command<'delete-table'>>({ name: text }),
  'drain-host': recordOf<Command<'drain-host'>>({ host: text, drain: flag }),
  'remove-host': recordOf<Command<'remove-host'>>({ host: text }),
  'set-config': recordOf<Command<'set-config'>>({ key: text, value: optional(text) }),
  'metadata-status': isRecord,
};

const command: Check = (value) =>
  isRecord(value) &&
  typeof value['command'] === 'string' &&
  Object.hasOwn(commands, value['command']) &&
  commands[value['command'] as AdminCommand['command']](value);

type Arm<Kind extends HostMessage['kind']> = Omit<Extract<HostMessage, { readonly kind: Kind }>, 'kind'>;

const messages: { readonly [Kind in HostMessage['kind']]: Fields<Arm<Kind>> } = {
  register: {
    host: text,
    startId: text,
    diskId: text,
    workers: count,
    rack: text,
    pid: count,
    version: text,
    replicas: listOf(replicaReport),
    after: optional(count),
  },
  registered: { startId: text, epoch: count },
  heartbeat: {
    host: text,
    epoch: count,
    sentMs: milliseconds,
    appliedRevision: count,
    stalledWorkers: listOf(count),
    draining: flag,
  },
  lease: { epoch: count, sentMs: milliseconds, durationMs: milliseconds, revision: count, fenced: flag },
  'agent-refused': {
    reason: word([
      'not-leader',
      'unknown-host',
      'removed',
      'after-mismatch',
      'superseded',
    ] satisfies Arm<'agent-refused'>['reason'][]),
    leader: optional(text),
    epoch: optional(count),
  },
  'worker-ready': { worker: count, replicas: listOf(replicaReport), members: optional(listOf(text)) },
  'registered-as': { epoch: count, startId: text, members: optional(listOf(text)) },
  'register-replicas': { host: text, epoch: count, replicas: listOf(replicaReport) },
  'partition-metadata': { partition: partitionInfo, table: tableInfo, workers: dictionaryOf(count) },
  'map-fetch': { request: count, after: count, waitMs: milliseconds },
  'map-reply': { request: count, delta: mapDelta },
  'status-fetch': { request: count },
  'status-reply': { request: count, host: text, worker: workerStatus, replicas: listOf(replicaStatus) },
  'replica-status-fetch': { request: count },
  'replica-status': { request: count, status: replicaStatus },
  admin: { request: count, command },
  'admin-reply': {
    request: count,
    result: anything,
    failure: optional(recordOf<AdminFailure>({ code: text, message: text })),
    revision: count,
    leader: optional(text),
  },
  'change-in-sync': {
    request: count,
    partition: count,
    leader: text,
    leaderReplicaEpoch: count,
    leaderEpoch: count,
    partitionEpoch: count,
    inSync: listOf(recordOf<{ readonly host: string; readonly epoch: number }>({ host: text, epoch: count })),
  },
  'in-sync-changed': { request: count, partition: count, accepted: flag, info: optional(partitionInfo) },
  'confirm-epoch': { request: count, partition: count, epoch: count },
  'epoch-confirmed': { request: count, partition: count, epoch: count, current: flag },
  'host-died': { host: text, startId: text },
  'registration-fetch': {},
};

/** What was decoded, as the message of that kind. @throws DecodeError naming the first field that is not what it should be (W1). */
export function hostMessageOf<Kind extends HostMessage['kind']>(
  kind: Kind,
  value: unknown,
): Extract<HostMessage, { readonly kind: Kind }> {
  if (!isRecord(value)) throw new DecodeError(`${kind}: no map`);
  for (const [name, check] of Object.entries<Check>(messages[kind])) {
    if (!check(value[name])) throw new DecodeError(`${kind}: ${name} is out of shape`);
  }
  return { ...value, kind } as unknown as Extract<HostMessage, { readonly kind: Kind }>;
}
