// Arbitrary messages of every kind of the protocol
// =============================================================================

import fc from 'fast-check';
import type { Message } from '../../runtime/contract/actor.js';
import {
  type ClientMessage,
  consistencies,
  refusals,
  writeOperations,
  writeStatuses,
} from '../../messaging/protocol/client-messages.js';
import { durabilities } from '../../messaging/protocol/cluster-map.js';
import type { HostMessage } from '../../messaging/protocol/host-messages.js';
import { encodeMembership, raftEntryKinds } from '../../messaging/protocol/raft-entry.js';
import type { RaftMessage } from '../../messaging/protocol/raft-messages.js';
import type { ReplicationMessage } from '../../messaging/protocol/replication-messages.js';

const count = fc.oneof(fc.nat(300), fc.maxSafeNat());
const request = count;
const bytes = fc.uint8Array({ maxLength: 200 });
const key = fc.uint8Array({ minLength: 1, maxLength: 100 });
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/);
const mark = fc.record({ lineage: count, offset: count });
const optionalCount = fc.option(fc.nat(1_000_000), { nil: undefined });
const link = fc.record({ partition: count, lineage: count, epoch: count, from: count, to: count });
const item = { value: bytes, version: count, createdAtMs: count, updatedAtMs: count };

type Arms<Union extends Message> = { readonly [Kind in Union['kind']]: fc.Arbitrary<Extract<Union, { kind: Kind }>> };

const client: Arms<ClientMessage> = {
  'open-session': fc.record({ kind: fc.constant('open-session'), request, partition: count }),
  write: fc.record({
    kind: fc.constant('write'),
    request,
    partition: count,
    session: count,
    answeredThrough: count,
    ops: fc.array(
      fc.record({
        sequence: count,
        operation: fc.constantFrom(...writeOperations),
        key,
        value: bytes,
        ifVersion: optionalCount,
      }),
      { maxLength: 6 },
    ),
  }),
  read: fc.record({
    kind: fc.constant('read'),
    request,
    partition: count,
    consistency: fc.constantFrom(...consistencies),
    mark,
    keys: fc.array(key, { maxLength: 6 }),
  }),
  scan: fc.record({
    kind: fc.constant('scan'),
    request,
    partition: count,
    consistency: fc.constantFrom(...consistencies),
    mark,
    start: bytes,
    end: bytes,
    reverse: fc.boolean(),
    limit: count,
    bytesMax: count,
  }),
  'session-opened': fc.record({ kind: fc.constant('session-opened'), request, partition: count, session: count }),
  written: fc.record({
    kind: fc.constant('written'),
    request,
    partition: count,
    lineage: count,
    epoch: count,
    durability: fc.constantFrom(...durabilities),
    replicas: fc.array(name, { maxLength: 5 }),
    results: fc.array(
      fc.record({
        sequence: count,
        status: fc.constantFrom(...writeStatuses),
        offset: count,
        version: count,
        value: bytes,
      }),
      { maxLength: 6 },
    ),
  }),
  'read-done': fc.record({
    kind: fc.constant('read-done'),
    request,
    partition: count,
    mark,
    items: fc.array(fc.option(fc.record(item), { nil: undefined }), { maxLength: 6 }),
  }),
  'scan-done': fc.record({
    kind: fc.constant('scan-done'),
    request,
    partition: count,
    mark,
    items: fc.array(fc.record({ key, ...item }), { maxLength: 6 }),
    more: fc.boolean(),
  }),
  refused: fc.record({
    kind: fc.constant('refused'),
    request,
    partition: count,
    reason: fc.constantFrom(...refusals),
    detail: fc.string({ unit: 'grapheme-ascii', maxLength: 80 }),
  }),
};

const replication: Arms<ReplicationMessage> = {
  replicate: fc.record({
    kind: fc.constant('replicate'),
    link,
    base: count,
    previousEpoch: count,
    acknowledged: count,
    highWatermark: count,
    batches: fc.array(bytes, { maxLength: 5 }),
  }),
  replicated: fc.record({
    kind: fc.constant('replicated'),
    link,
    durableEnd: count,
    lastEpoch: count,
    logEnd: count,
    highWatermark: count,
  }),
  reconcile: fc.record({ kind: fc.constant('reconcile'), link, logEnd: count, lastEpoch: count }),
  reconciled: fc.record({ kind: fc.constant('reconciled'), link, logEnd: count, highWatermark: count }),
  diverged: fc.record({
    kind: fc.constant('diverged'),
    link,
    logEnd: count,
    lastEpoch: count,
    epochAt: count,
    end: count,
  }),
  'snapshot-offer': fc.record({ kind: fc.constant('snapshot-offer'), link, snapshot: count, meta: bytes }),
  'snapshot-chunk': fc.record({
    kind: fc.constant('snapshot-chunk'),
    link,
    snapshot: count,
    index: count,
    last: fc.boolean(),
    bytes,
  }),
  'snapshot-wanted': fc.record({
    kind: fc.constant('snapshot-wanted'),
    link,
    snapshot: count,
    index: count,
    installed: fc.boolean(),
  }),
  'epoch-fenced': fc.record({ kind: fc.constant('epoch-fenced'), link, currentEpoch: count }),
  confirm: fc.record({ kind: fc.constant('confirm'), link, round: count }),
  confirmed: fc.record({ kind: fc.constant('confirmed'), link, round: count }),
};

const members = fc.uniqueArray(name, { maxLength: 5 }).map((list) => list.toSorted((a, b) => (a < b ? -1 : 1)));
const membership = fc.record({ voters: members, outgoing: members, learners: members });
const header = { from: name, to: name, term: fc.integer({ min: 10, max: 1_000_000 }) };
const position = fc.record({ index: fc.integer({ min: 1, max: 1_000_000 }), term: fc.nat(5) });

const raft: Arms<RaftMessage> = {
  'raft-vote': fc.record({
    kind: fc.constant('raft-vote'),
    ...header,
    pre: fc.boolean(),
    transfer: fc.boolean(),
    last: position,
  }),
  'raft-vote-reply': fc.record({
    kind: fc.constant('raft-vote-reply'),
    ...header,
    pre: fc.boolean(),
    granted: fc.boolean(),
  }),
  'raft-append': fc
    .record({
      kind: fc.constant('raft-append' as const),
      ...header,
      previous: position,
      commit: count,
      rest: fc.array(fc.record({ kind: fc.constantFrom(...raftEntryKinds), bytes, membership }), { maxLength: 5 }),
    })
    .map(({ rest, ...message }) => ({
      ...message,
      entries: rest.map((entry, i) => ({
        index: message.previous.index + 1 + i,
        term: message.previous.term + (i > 2 ? 1 : 0),
        kind: entry.kind,
        bytes: entry.kind === 'membership' ? encodeMembership(entry.membership) : entry.bytes,
      })),
    })),
  'raft-accepted': fc.record({ kind: fc.constant('raft-accepted'), ...header, match: count }),
  'raft-refused': fc.record({ kind: fc.constant('raft-refused'), ...header, previous: count, conflict: position }),
  'raft-heartbeat': fc.record({ kind: fc.constant('raft-heartbeat'), ...header, commit: count, round: count }),
  'raft-heartbeat-reply': fc.record({ kind: fc.constant('raft-heartbeat-reply'), ...header, round: count }),
  'raft-snapshot': fc
    .record({
      kind: fc.constant('raft-snapshot' as const),
      ...header,
      snapshot: count,
      last: position,
      membership,
      number: fc.nat(20),
      bytes,
    })
    .map((message) => ({ ...message, count: message.number + 1 })),
  'raft-snapshot-reply': fc.record({
    kind: fc.constant('raft-snapshot-reply'),
    ...header,
    snapshot: count,
    next: count,
  }),
  'raft-timeout-now': fc.record({ kind: fc.constant('raft-timeout-now'), ...header }),
};

const replicaReport = fc.record({
  partition: count,
  incarnation: count,
  verdict: fc.constantFrom('complete' as const, 'tail-uncertain' as const, 'incomplete' as const),
  lineage: count,
  lastEpoch: count,
  end: count,
});
const partitionInfo = fc.record({
  id: count,
  revision: count,
  table: name,
  index: count,
  lineage: count,
  leader: fc.option(name, { nil: undefined }),
  leaderEpoch: count,
  partitionEpoch: count,
  replicas: fc.array(fc.record({ host: name, epoch: count, incarnation: count }), { maxLength: 3 }),
  inSync: fc.array(name, { maxLength: 3 }),
  eligible: fc.array(name, { maxLength: 3 }),
  lastKnownEligible: fc.array(name, { maxLength: 3 }),
  holdMs: count,
  reason: name,
});
const tableInfo = fc.record({
  name,
  revision: count,
  partitions: fc.array(count, { maxLength: 5 }),
  replicas: count,
  minInSync: count,
  partitioning: fc.constantFrom('hash' as const, 'range' as const),
  storage: fc.constantFrom('memory' as const, 'lsm' as const),
  durability: fc.constantFrom('sync' as const, 'async' as const),
  versions: count,
  reads: fc.constantFrom('lease' as const, 'confirm' as const),
});
const hostInfo = fc.record({
  name,
  revision: count,
  state: fc.constantFrom('up' as const, 'fenced' as const, 'draining' as const, 'removed' as const),
  epoch: count,
  startId: name,
  diskId: name,
  workers: count,
  rack: name,
  pid: count,
  version: name,
});
const replicaStatusFields = {
  partition: count,
  host: name,
  role: fc.constantFrom('leader' as const, 'follower' as const, 'idle' as const),
  epoch: count,
  logEnd: count,
  durableEnd: count,
  highWatermark: count,
  applied: count,
  itemCount: count,
  itemBytes: count,
};
const replicaStatus = fc.oneof(
  fc.record(replicaStatusFields),
  fc.record({ ...replicaStatusFields, active: fc.boolean() }),
);

/** Those whose bodies are hand-written; `hostMessages` are CBOR. */
export const handWrittenMessages: fc.Arbitrary<Message> = fc.oneof(
  ...Object.values<fc.Arbitrary<Message>>(client),
  ...Object.values<fc.Arbitrary<Message>>(replication),
  ...Object.values<fc.Arbitrary<Message>>(raft),
);

export const hostMessages: fc.Arbitrary<HostMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('register' as const),
    host: name,
    startId: name,
    diskId: name,
    workers: count,
    rack: name,
    pid: count,
    version: name,
    replicas: fc.array(replicaReport, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('registered' as const), startId: name, epoch: count }),
  fc.record(
    {
      kind: fc.constant('registered-as' as const),
      startId: name,
      epoch: count,
      members: fc.array(name, { maxLength: 3 }),
    },
    { requiredKeys: ['kind', 'startId', 'epoch'] },
  ),
  fc.record({
    kind: fc.constant('partition-metadata' as const),
    partition: partitionInfo,
    table: tableInfo,
    workers: fc.dictionary(name, fc.nat(64), { maxKeys: 3, noNullPrototype: true }),
  }),
  fc.record({ kind: fc.constant('map-fetch' as const), request, after: count, waitMs: count }),
  fc.record({
    kind: fc.constant('map-reply' as const),
    request,
    delta: fc.record({
      clusterId: name,
      after: count,
      revision: count,
      reset: fc.boolean(),
      hosts: fc.array(hostInfo, { maxLength: 2 }),
      tables: fc.array(tableInfo, { maxLength: 2 }),
      partitions: fc.array(partitionInfo, { maxLength: 2 }),
      deletedTables: fc.array(name, { maxLength: 2 }),
      deletedPartitions: fc.array(count, { maxLength: 2 }),
      members: fc.array(fc.record({ id: name, host: name, voter: fc.boolean() }), { maxLength: 2 }),
      metadataLeader: fc.option(name, { nil: undefined }),
      metadataTerm: count,
    }),
  }),
  fc.record({ kind: fc.constant('status-fetch' as const), request }),
  fc.record({ kind: fc.constant('replica-status' as const), request, status: replicaStatus }),
  fc.record({
    kind: fc.constant('confirm-epoch' as const),
    request,
    partition: count,
    epoch: count,
  }),
  fc.record({ kind: fc.constant('host-died' as const), host: name, startId: name }),
);

/** One of each kind, so that a table test can say that none is missing. */
export const messageKinds: readonly string[] = [
  ...Object.keys(client),
  ...Object.keys(replication),
  ...Object.keys(raft),
];
