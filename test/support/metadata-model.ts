// The state machine beside a model of what the replicas hold
// =============================================================================
//
// Random commands change the map; between them, leaders that the map names write, followers catch up, hosts crash with and without loss.
// What must hold at every step is what R10 says: everybody who may be elected holds everything that was committed.

import { expect } from 'chai';
import { applyCommand } from '../../actors/metadata/state/apply.js';
import { decodeCommand, encodeCommand, type MetadataCommand } from '../../actors/metadata/state/command.js';
import { MapStore } from '../../actors/metadata/state/map-store.js';
import type { Outcome } from '../../actors/metadata/state/outcome.js';
import { checkPartition, checkStep } from '../../actors/metadata/state/partition-record.js';
import type { PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import type { ReplicaReport, ReplicaVerdict } from '../../messaging/protocol/host-messages.js';
import { MapCopy } from '../../messaging/protocol/map-copy.js';

interface Process {
  startId: string;
  epoch: number;
  alive: boolean;
}

/** What the running incarnation of a replica holds: names of records, in order. */
type Log = string[];

const group = { members: [], metadataLeader: undefined, metadataTerm: 1 };

export class MetadataModel {
  readonly store = new MapStore('model');
  /** A second member, that is sometimes restored from a snapshot (M5, V10). */
  #twin = new MapStore('model');
  /** Somebody who follows the map by deltas, not after each change. */
  readonly #copy = new MapCopy('model');
  readonly hosts: readonly string[];
  readonly #processes = new Map<string, Process>();
  readonly #logs = new Map<string, Log>();
  readonly #committed = new Map<number, { lineage: number; log: Log }>();
  readonly #before = new Map<number, PartitionInfo>();
  #index = 0;
  #names = 0;

  constructor(hosts: number) {
    this.hosts = Array.from({ length: hosts }, (_, i) => `h${i + 1}`);
    for (const host of this.hosts) this.#processes.set(host, { startId: '', epoch: 0, alive: false });
  }

  // --- commands -------------------------------------------------------------------------------------------------------

  apply(command: MetadataCommand): Outcome {
    const index = (this.#index += 1 + (this.#index % 3 === 0 ? 1 : 0)); // other entries have indexes too
    const bytes = encodeCommand(command);
    const { outcome } = applyCommand(this.store, index, decodeCommand(bytes));
    applyCommand(this.#twin, index, decodeCommand(bytes));
    this.#check();
    return outcome;
  }

  /** The twin becomes what a snapshot of it says. */
  restoreTwin(): void {
    const bytes = this.#twin.snapshot();
    this.#twin = new MapStore('model');
    this.#twin.restore(bytes);
  }

  follow(): void {
    this.#copy.apply(this.store.deltaSince(this.#copy.revision, group));
    const whole = this.store.deltaSince(0, group);
    const byId = (a: { readonly id: number }, b: { readonly id: number }): number => a.id - b.id;
    expect([...this.#copy.partitions.values()].sort(byId), 'V11').to.deep.equal([...whole.partitions].sort(byId));
    expect(new Set(this.#copy.tables.keys()), 'V11').to.deep.equal(new Set(this.store.tables.keys()));
    expect(new Set(this.#copy.hosts.keys()), 'V11').to.deep.equal(new Set(this.store.hosts.keys()));
  }

  // --- hosts ----------------------------------------------------------------------------------------------------------

  /** A new process of the host. `loss`: how many of its replicas lost what. */
  register(host: string, losses: (partition: number) => ReplicaVerdict, stale = false): void {
    const process = this.#process(host);
    const replicas: ReplicaReport[] = [];
    const survivors = new Map<string, Log>();
    for (const info of this.partitions()) {
      const own = info.replicas.find((replica) => replica.host === host);
      const log = this.#logs.get(keyOf(info.id, host));
      if (own === undefined || log === undefined) continue;
      const verdict = losses(info.id);
      // A torn tail loses only what no sync had covered; a lossy failure loses anything (fault model).
      const floor = verdict === 'tail-uncertain' ? this.#committedLength(info, log) : 0;
      const kept = verdict === 'complete' ? log : log.slice(0, verdict === 'incomplete' ? 0 : floor);
      survivors.set(keyOf(info.id, host), kept);
      replicas.push({ partition: info.id, incarnation: 1, verdict, lineage: 1, lastEpoch: 1, end: kept.length });
    }
    const outcome = this.apply({
      kind: 'register-host',
      host,
      startId: `start ${++this.#names}`,
      diskId: `disk ${host}`,
      workers: 2,
      rack: host < 'h3' ? 'a' : 'b',
      pid: 1,
      version: '0',
      after: stale ? process.epoch + 1 : process.epoch,
      dead: false,
      replicas,
      holds: [],
    });
    if (stale) expect(outcome.kind, 'V13').to.be.oneOf(['register-refused']);
    if (outcome.kind !== 'registered') return;
    expect(outcome.epoch).to.be.greaterThan(process.epoch);
    Object.assign(process, { epoch: outcome.epoch, alive: true });
    for (const info of this.partitions()) this.#logs.delete(keyOf(info.id, host));
    for (const [key, log] of survivors) this.#logs.set(key, log);
  }

  /** Its process ends; the map does not know yet. */
  crash(host: string): void {
    this.#process(host).alive = false;
  }

  isAlive(host: string): boolean {
    return this.#process(host).alive;
  }

  epochOf(host: string): number {
    return this.#process(host).epoch;
  }

  /** Managers start what is assigned, and claim it. */
  claim(host: string): void {
    const process = this.#process(host);
    if (!process.alive) return;
    const replicas: ReplicaReport[] = [];
    for (const info of this.partitions()) {
      const own = info.replicas.find((replica) => replica.host === host);
      if (own === undefined || own.incarnation !== 0) continue;
      this.#logs.set(keyOf(info.id, host), []);
      const verdict = 'incomplete'; // as a fresh replica says
      replicas.push({ partition: info.id, incarnation: 1, verdict, lineage: 1, lastEpoch: 0, end: 0 });
    }
    if (replicas.length === 0) return;
    this.apply({ kind: 'register-replicas', host, epoch: process.epoch, replicas, holds: [] });
  }

  /** One replica actor crashes and comes back. */
  restartReplica(info: PartitionInfo, host: string, verdict: ReplicaVerdict): void {
    const process = this.#process(host);
    const own = info.replicas.find((replica) => replica.host === host);
    if (!process.alive || own === undefined || own.incarnation === 0) return;
    const key = keyOf(info.id, host);
    if (verdict !== 'complete') this.#logs.set(key, []);
    const end = this.#logs.get(key)?.length ?? 0;
    const incarnation = own.incarnation + 1;
    const replicas = [{ partition: info.id, incarnation, verdict, lineage: 1, lastEpoch: 1, end }];
    this.apply({ kind: 'register-replicas', host, epoch: process.epoch, replicas, holds: [] });
  }

  // --- partitions -----------------------------------------------------------------------------------------------------

  partitions(): PartitionInfo[] {
    return [...this.store.partitions.values()].map((record) => record.info);
  }

  /** The leader appends; with every in-sync replica reached, and enough of them, that is committed (R5). */
  write(info: PartitionInfo, reached: (host: string) => boolean): void {
    const { leader } = info;
    if (leader === undefined || !this.#acts(info, leader)) return;
    const log = this.#logOf(info.id, leader);
    log.push(`${info.lineage}.${info.leaderEpoch}.${++this.#names}`);
    let all = true;
    for (const host of info.inSync) {
      if (host === leader) continue;
      if (this.#acts(info, host) && reached(host)) this.#logs.set(keyOf(info.id, host), [...log]);
      else all = false;
    }
    const minInSync = this.store.tables.get(info.table)?.info.minInSync ?? 1;
    if (all && info.inSync.length >= minInSync) this.#committed.set(info.id, { lineage: info.lineage, log: [...log] });
  }

  /** A follower copies the leader's log; then the leader proposes it (R13). */
  catchUp(info: PartitionInfo, host: string): void {
    const { leader } = info;
    if (leader === undefined || host === leader || !this.#acts(info, leader) || !this.#acts(info, host)) return;
    this.#logs.set(keyOf(info.id, host), [...this.#logOf(info.id, leader)]);
    this.propose(info, [...new Set([...info.inSync, host])]);
  }

  propose(info: PartitionInfo, members: readonly string[], skew = 0): void {
    const { leader } = info;
    if (leader === undefined) return;
    const epochOf = (host: string): number => info.replicas.find((replica) => replica.host === host)?.epoch ?? 0;
    const outcome = this.apply({
      kind: 'change-in-sync',
      partition: info.id,
      leader,
      leaderReplicaEpoch: epochOf(leader),
      leaderEpoch: info.leaderEpoch,
      partitionEpoch: info.partitionEpoch - skew,
      inSync: members.map((host) => ({ host, epoch: epochOf(host) })),
    });
    if (skew !== 0 && outcome.kind === 'in-sync-changed')
      expect(outcome.accepted, 'R13: another epoch').to.equal(false);
  }

  // --- what must hold -------------------------------------------------------------------------------------------------

  #check(): void {
    expect(this.#twin.stateHash(), 'M5, V10: equal commands, equal state').to.equal(this.store.stateHash());
    for (const info of this.partitions()) {
      const minInSync = this.store.tables.get(info.table)?.info.minInSync ?? 1;
      checkPartition(info, minInSync);
      const before = this.#before.get(info.id);
      if (before !== undefined && before.partitionEpoch !== info.partitionEpoch) this.#checkChange(before, info);
      this.#before.set(info.id, info);
      this.#checkComplete(info);
    }
  }

  #checkChange(before: PartitionInfo, info: PartitionInfo): void {
    checkStep(before, info);
    if (info.leader === undefined || info.leader === before.leader) return;
    const host = this.store.hosts.get(info.leader);
    expect(host?.state, 'R11: elected while it is up').to.be.oneOf(['up', 'draining']);
    const wasCandidate = before.inSync.includes(info.leader) || before.eligible.includes(info.leader);
    if (info.lineage === before.lineage) expect(wasCandidate, 'R11: in sync or eligible').to.equal(true);
    else this.#committed.delete(info.id); // what the survivor has is what there is
  }

  /** R10, LeaderCandidateCompleteness. */
  #checkComplete(info: PartitionInfo): void {
    const committed = this.#committed.get(info.id);
    if (committed === undefined || committed.lineage !== info.lineage) return;
    for (const host of [...info.inSync, ...info.eligible]) {
      const log = this.#logs.get(keyOf(info.id, host)) ?? [];
      expect(log.slice(0, committed.log.length), `R10: ${host} in partition ${info.id}`).to.deep.equal(committed.log);
    }
  }

  #committedLength(info: PartitionInfo, log: Log): number {
    const committed = this.#committed.get(info.id)?.log ?? [];
    return log.length >= committed.length ? committed.length : log.length;
  }

  /** R2: the process runs, and the map names its very incarnation. */
  #acts(info: PartitionInfo, host: string): boolean {
    const own = info.replicas.find((replica) => replica.host === host);
    const process = this.#process(host);
    return process.alive && own !== undefined && own.incarnation > 0 && own.epoch >= process.epoch;
  }

  #logOf(partition: number, host: string): Log {
    const key = keyOf(partition, host);
    const log = this.#logs.get(key) ?? [];
    this.#logs.set(key, log);
    return log;
  }

  #process(host: string): Process {
    const process = this.#processes.get(host);
    if (process === undefined) throw new Error(`no host ${host}`);
    return process;
  }
}

function keyOf(partition: number, host: string): string {
  return `${partition} ${host}`;
}
