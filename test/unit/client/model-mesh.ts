// A mesh in one object: what a client sees of hosts, without any of their machinery
// =============================================================================
//
// Follows the rules that a client relies on: one history a partition, sessions in it, only the leader answers, the map moves by revisions.
// Whoever uses it decides what the network does to its messages.

import type { Message } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import { compareBytes, toHex } from '../../../runtime/std/bytes.js';
import type {
  ClientReply,
  ClientRequest,
  Mark,
  ScanItem,
  WriteOp,
  WriteResult,
} from '../../../messaging/protocol/client-messages.js';
import type {
  HostInfo,
  HostState,
  MapDelta,
  PartitionInfo,
  TableInfo,
} from '../../../messaging/protocol/cluster-map.js';
import type { AdminCommand, AdminFailure, HostMessage } from '../../../messaging/protocol/host-messages.js';
import { incrementValue } from '../../../messaging/protocol/value.js';

export interface ModelPorts {
  send(from: Address, to: Address, message: Message): void;
  after(delayMs: number, run: () => void): void;
}

interface ModelSession {
  answeredThrough: number;
  readonly results: Map<number, WriteResult>;
}

interface ModelPartition {
  info: PartitionInfo;
  nextOffset: number;
  readonly items: Map<string, ScanItem>;
  readonly sessions: Map<number, ModelSession>;
  /** Answers every write so instead of taking it; with `outcome-unknown` it takes it, and does not say so. */
  refuseWrites: 'unavailable' | 'capacity' | 'outcome-unknown' | undefined;
}

export interface AppliedWrite {
  readonly partition: number;
  readonly session: number;
  readonly op: WriteOp;
}

export class ModelMesh {
  readonly #ports: ModelPorts;
  readonly clusterId: string;
  revision = 1;
  readonly hosts = new Map<string, HostInfo>();
  readonly tables = new Map<string, TableInfo>();
  readonly partitions = new Map<number, ModelPartition>();
  /** Hosts that hear nothing and say nothing. */
  readonly dead = new Set<string>();
  /** Every write that was executed, in order: a repeated one is not. */
  readonly applied: AppliedWrite[] = [];
  /** Requests that arrived, by kind. */
  readonly arrived = new Map<string, number>();
  readonly #deleted: { readonly revision: number; readonly table: string; readonly partitions: readonly number[] }[] =
    [];
  #fetches: { readonly from: Address; readonly to: Address; readonly request: number; readonly after: number }[] = [];
  #nextPartition = 1;
  /** Name of the host whose metadata actor leads. */
  metadataLeader: string;
  /** Entries that one scan gives at most, whatever was asked. */
  scanCountMax = 1000;

  constructor(ports: ModelPorts, hostNames: readonly string[] = ['h1', 'h2', 'h3'], clusterId = 'c0ffee') {
    this.#ports = ports;
    this.clusterId = clusterId;
    for (const name of hostNames) this.setHost(name, 'up');
    this.metadataLeader = hostNames[0] ?? '';
  }

  setHost(name: string, state: HostState, epoch?: number): void {
    this.revision++;
    const old = this.hosts.get(name);
    this.hosts.set(name, {
      name,
      revision: this.revision,
      state,
      epoch: epoch ?? old?.epoch ?? this.revision,
      startId: `${name}-start`,
      diskId: `${name}-disk`,
      workers: 2,
      rack: '',
      pid: 1,
      version: '0',
    });
    this.#announce();
  }

  makeTable(name: string, partitionCount = 4, more: Partial<TableInfo> = {}): TableInfo {
    this.revision++;
    const hosts = [...this.hosts.keys()];
    const ids: number[] = [];
    for (let index = 0; index < partitionCount; index++) {
      const id = this.#nextPartition++;
      ids.push(id);
      this.partitions.set(id, {
        info: {
          id,
          revision: this.revision,
          table: name,
          index,
          lineage: 1,
          leader: hosts[index % hosts.length],
          leaderEpoch: 1,
          partitionEpoch: 1,
          replicas: hosts.map((host) => ({ host, epoch: 1, incarnation: 0 })),
          inSync: hosts,
          eligible: [],
          lastKnownEligible: [],
          holdMs: 0,
          reason: '',
        },
        nextOffset: 1,
        items: new Map(),
        sessions: new Map(),
        refuseWrites: undefined,
      });
    }
    const table: TableInfo = {
      name,
      revision: this.revision,
      partitions: ids,
      replicas: hosts.length,
      minInSync: 1,
      partitioning: 'hash',
      storage: 'memory',
      durability: 'sync',
      versions: 1,
      reads: 'lease',
      ...more,
    };
    this.tables.set(name, table);
    this.#announce();
    return table;
  }

  deleteTable(name: string): void {
    const table = this.tables.get(name);
    if (table === undefined) return;
    this.revision++;
    this.tables.delete(name);
    for (const id of table.partitions) this.partitions.delete(id);
    this.#deleted.push({ revision: this.revision, table: name, partitions: table.partitions });
    this.#announce();
  }

  /** A new epoch of the partition, with another leader or none. */
  elect(id: number, leader: string | undefined, more: Partial<PartitionInfo> = {}): void {
    const partition = this.partition(id);
    this.revision++;
    const { info } = partition;
    partition.info = {
      ...info,
      revision: this.revision,
      leader,
      leaderEpoch: info.leaderEpoch + 1,
      partitionEpoch: info.partitionEpoch + 1,
      ...more,
    };
    this.#announce();
  }

  partition(id: number): ModelPartition {
    const partition = this.partitions.get(id);
    if (partition === undefined) throw new Error(`no partition ${id}`);
    return partition;
  }

  // --- messages -------------------------------------------------------------------------------------------------------

  handle(to: Address, from: Address, message: Message): void {
    const host = to.host === '*' ? [...this.hosts.keys()].find((name) => !this.dead.has(name)) : to.host;
    if (host === undefined || !this.hosts.has(host) || this.dead.has(host)) return;
    const self = { ...to, host };
    this.arrived.set(message.kind, (this.arrived.get(message.kind) ?? 0) + 1);
    if (to.actor === 'manager' || to.actor === 'metadata') {
      this.#hostMessage(self, from, message as HostMessage);
      return;
    }
    const request = message as ClientRequest;
    this.#ports.send(self, from, this.#data(host, request));
  }

  #hostMessage(self: Address, from: Address, message: HostMessage): void {
    switch (message.kind) {
      case 'map-fetch': {
        const { request, after, waitMs } = message;
        if (this.revision > after || waitMs === 0) return this.#sendMap(self, from, request, after);
        const fetch = { from, to: self, request, after };
        this.#fetches.push(fetch);
        this.#ports.after(waitMs, () => {
          if (!this.#fetches.includes(fetch)) return;
          this.#fetches = this.#fetches.filter((one) => one !== fetch);
          this.#sendMap(self, from, request, after);
        });
        return;
      }
      case 'status-fetch': {
        const worker = { worker: self.worker, turns: 1, queued: 0, actors: 1, heapBytes: 1 };
        const replicas = [...this.partitions.values()]
          .filter(({ info }) => info.id % 2 === self.worker)
          .map(({ info, nextOffset, items }) => ({
            partition: info.id,
            host: self.host,
            role: info.leader === self.host ? ('leader' as const) : ('follower' as const),
            epoch: info.leaderEpoch,
            logEnd: nextOffset,
            durableEnd: nextOffset,
            highWatermark: nextOffset,
            applied: nextOffset,
            itemCount: items.size,
            itemBytes: 0,
          }));
        const { request } = message;
        return this.#ports.send(self, from, {
          kind: 'status-reply',
          request,
          host: self.host,
          worker,
          replicas,
        } as Message);
      }
      case 'admin': {
        const { result, failure } = this.#command(self.host, message.command);
        const { request } = message;
        const leader = this.metadataLeader;
        const reply: HostMessage = { kind: 'admin-reply', request, result, failure, revision: this.revision, leader };
        return this.#ports.send(self, from, reply);
      }
      default:
        throw new Error(`the model knows no ${message.kind}`);
    }
  }

  #command(host: string, command: AdminCommand): { result?: unknown; failure: AdminFailure | undefined } {
    if (host !== this.metadataLeader) return { failure: { code: 'NOT_LEADER', message: `${host} does not lead` } };
    switch (command.command) {
      case 'create-table':
        if (this.tables.has(command.name)) {
          const failure = { code: 'CONDITION_FAILED', message: `table ${command.name} exists` };
          return { failure: command.ifMissing === true ? undefined : failure };
        }
        this.makeTable(command.name, command.options.partitions ?? 4, {
          durability: command.options.durability ?? 'sync',
        });
        return { failure: undefined };
      case 'delete-table':
        if (!this.tables.has(command.name))
          return { failure: { code: 'NOT_FOUND', message: `there is no table ${command.name}` } };
        this.deleteTable(command.name);
        return { failure: undefined };
      case 'metadata-status': {
        const members = [...this.hosts.keys()].map((name) => ({
          id: name,
          host: name,
          voter: true,
          role: name === host ? ('leader' as const) : ('follower' as const),
          matchIndex: this.revision,
        }));
        return { result: { leader: host, term: 1, commitIndex: this.revision, members }, failure: undefined };
      }
      default:
        return { failure: { code: 'INVALID_ARGUMENT', message: 'not in the model' } };
    }
  }

  #announce(): void {
    const fetches = this.#fetches;
    this.#fetches = [];
    for (const { from, to, request, after } of fetches)
      if (!this.dead.has(to.host)) this.#sendMap(to, from, request, after);
  }

  #sendMap(self: Address, to: Address, request: number, after: number): void {
    const delta: MapDelta = {
      clusterId: this.clusterId,
      after,
      revision: this.revision,
      reset: false,
      hosts: [...this.hosts.values()].filter((one) => one.revision > after),
      tables: [...this.tables.values()].filter((one) => one.revision > after),
      partitions: [...this.partitions.values()].map(({ info }) => info).filter((one) => one.revision > after),
      deletedTables: this.#deleted.filter((one) => one.revision > after).map((one) => one.table),
      deletedPartitions: this.#deleted.filter((one) => one.revision > after).flatMap((one) => one.partitions),
      members: [...this.hosts.keys()].map((host) => ({ id: host, host, voter: true })),
      metadataLeader: this.metadataLeader,
      metadataTerm: 1,
    };
    this.#ports.send(self, to, { kind: 'map-reply', request, delta } as Message);
  }

  #data(host: string, message: ClientRequest): ClientReply {
    const { request } = message;
    const known = this.partitions.get(message.partition);
    const refuse = (reason: Extract<ClientReply, { readonly kind: 'refused' }>['reason']): ClientReply => ({
      kind: 'refused',
      request,
      partition: message.partition,
      reason,
      detail: '',
    });
    if (known === undefined) return refuse('not-leader');
    const { info } = known;
    const partition = info.id;
    const needsLeader =
      message.kind === 'write' || message.kind === 'open-session' || message.consistency === 'linearizable';
    if (needsLeader && info.leader !== host) return refuse('not-leader');
    const mark: Mark = { lineage: info.lineage, offset: known.nextOffset };
    switch (message.kind) {
      case 'open-session': {
        const session = known.nextOffset++;
        known.sessions.set(session, { answeredThrough: 0, results: new Map() });
        return { kind: 'session-opened', request, partition, session };
      }
      case 'write': {
        if (known.refuseWrites !== undefined && known.refuseWrites !== 'outcome-unknown')
          return refuse(known.refuseWrites);
        const session = known.sessions.get(message.session);
        if (session === undefined) return refuse('session-stale');
        if (message.ops.some((op) => op.sequence <= session.answeredThrough)) return refuse('session-stale'); // S5
        session.answeredThrough = Math.max(session.answeredThrough, message.answeredThrough);
        for (const sequence of session.results.keys())
          if (sequence <= session.answeredThrough) session.results.delete(sequence);
        if (session.results.size > 512) throw new Error('S6: the client keeps to its window');
        const results = message.ops.map((op) => {
          const stored = session.results.get(op.sequence);
          if (stored !== undefined) return stored; // S2
          const result = this.#execute(known, op);
          session.results.set(op.sequence, result);
          this.applied.push({ partition, session: message.session, op });
          return result;
        });
        if (known.refuseWrites === 'outcome-unknown') return refuse('outcome-unknown'); // appended all the same
        const { lineage, leaderEpoch: epoch, inSync: replicas } = info;
        return { kind: 'written', request, partition, lineage, epoch, durability: 'sync', replicas, results };
      }
      case 'read':
        return {
          kind: 'read-done',
          request,
          partition,
          mark,
          items: message.keys.map((key) => known.items.get(toHex(key))),
        };
      case 'scan': {
        const sorted = [...known.items.values()].sort((a, b) => compareBytes(a.key, b.key));
        const inside = sorted.filter(
          ({ key }) =>
            compareBytes(key, message.start) >= 0 && (message.end.length === 0 || compareBytes(key, message.end) < 0),
        );
        if (message.reverse) inside.reverse();
        const items = inside.slice(0, Math.min(message.limit, this.scanCountMax));
        return { kind: 'scan-done', request, partition, mark, items, more: items.length < inside.length };
      }
      default:
        throw new Error('no such request');
    }
  }

  #execute(partition: ModelPartition, op: WriteOp): WriteResult {
    const offset = partition.nextOffset++;
    const name = toHex(op.key);
    const old = partition.items.get(name);
    const version = old?.version ?? 0;
    const empty = new Uint8Array(0);
    const base = { sequence: op.sequence, offset, value: empty };
    if (op.ifVersion !== undefined && op.ifVersion !== version) return { ...base, status: 'condition-failed', version };
    if (op.operation === 'delete') {
      partition.items.delete(name);
      return { ...base, status: 'applied', version };
    }
    const value = op.operation === 'put' ? op.value : incrementValue(old?.value, op.value);
    if (value === undefined) return { ...base, status: 'invalid', version };
    const item = {
      key: op.key,
      value,
      version: version + 1,
      createdAtMs: old?.createdAtMs ?? offset,
      updatedAtMs: offset,
    };
    partition.items.set(name, item);
    return { ...base, status: 'applied', version: version + 1, value: op.operation === 'increment' ? value : empty };
  }
}
