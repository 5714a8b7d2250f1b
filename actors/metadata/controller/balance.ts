// Which replica to move next
// =============================================================================
//
// Evens out replicas over hosts when one joins, empties hosts that are drained or removed for good, and gives tables that were
// made when hosts were few the copies they are meant to have. One step at a time, each a move of one replica (R15).
//
// Invariants
//   J1. A host gives or receives for at most one move at a time, and at most `movesMax` run in the mesh. Only a host that is emptied for good
//       gives for several: nothing is to stay there, so it can not give too much.
//   J2. Evening out ends: a move is made only when it lessens the difference between two hosts, never between equals. Moves that are under
//       way count as done, or a host would go on giving while its first replica is still being copied, and take some back in the end.
//   J3. A move does not put two replicas on one rack that were on two.

import type { HostInfo, PartitionInfo } from '../../../messaging/protocol/cluster-map.js';
import type { MapStore } from '../state/map-store.js';
import type { PartitionRecord } from '../state/partition-record.js';

export interface PlannedMove {
  readonly partition: number;
  readonly partitionEpoch: number;
  readonly add: string;
  readonly remove: string | undefined;
}

export const movesMax = 4;

/** @param able hosts that may receive: up, heard of, not stalled. */
export function nextMove(store: MapStore, able: ReadonlySet<string>): PlannedMove | undefined {
  const busy = busyHosts(store);
  if (busy.moves >= movesMax) return undefined;
  const receivers = [...able].filter((host) => !busy.hosts.has(host)).sort(byName);
  if (receivers.length === 0) return undefined;
  const loads = settledLoads(store);
  const load = (host: string): number => loads.get(host) ?? 0;
  receivers.sort((a, b) => load(a) - load(b) || byName(a, b));
  const steady = [...store.partitions.values()].filter(
    ({ info, move }) => move === undefined && info.leader !== undefined && !isBusy(info, busy.hosts),
  );
  return (
    growth(store, steady, receivers) ??
    evacuation(store, steady, receivers) ??
    evening(store, steady, receivers, load, busy.hosts)
  );
}

/** Copies that a table is meant to have. */
function growth(
  store: MapStore,
  steady: readonly PartitionRecord[],
  receivers: readonly string[],
): PlannedMove | undefined {
  for (const { info } of steady) {
    const table = store.tables.get(info.table);
    if (table === undefined || info.replicas.length >= table.info.replicas) continue;
    const add = receiverFor(store, info, undefined, receivers);
    if (add !== undefined) return planned(info, add, undefined);
  }
  return undefined;
}

/** Away from hosts that are to hold nothing. */
function evacuation(
  store: MapStore,
  steady: readonly PartitionRecord[],
  receivers: readonly string[],
): PlannedMove | undefined {
  for (const { info } of steady) {
    for (const { host } of info.replicas) {
      if (store.hosts.get(host)?.state !== 'removed' && !store.drained.has(host)) continue;
      const add = receiverFor(store, info, host, receivers);
      if (add !== undefined) return planned(info, add, host);
    }
  }
  return undefined;
}

/** From the fullest to the emptiest. */
function evening(
  store: MapStore,
  steady: readonly PartitionRecord[],
  receivers: readonly string[],
  load: (host: string) => number,
  busy: ReadonlySet<string>,
): PlannedMove | undefined {
  const emptiest = receivers[0];
  if (emptiest === undefined) return undefined;
  const givers = [...store.hosts.values()]
    .filter((host) => host.state === 'up' && !busy.has(host.name)) // J1
    .filter((host) => load(host.name) - load(emptiest) >= 2) // J2
    .sort((a, b) => load(b.name) - load(a.name) || byName(a.name, b.name));
  for (const giver of givers) {
    for (const { info } of steady) {
      if (!holds(info, giver.name)) continue;
      if (receiverFor(store, info, giver.name, [emptiest]) !== undefined) return planned(info, emptiest, giver.name);
    }
  }
  return undefined;
}

/** The first receiver without a replica of the partition, on a rack of its own if racks were distinct (J3). */
function receiverFor(
  store: MapStore,
  info: PartitionInfo,
  instead: string | undefined,
  receivers: readonly string[],
): string | undefined {
  const others = info.replicas.map((replica) => replica.host).filter((host) => host !== instead);
  const rackOf = (host: string): HostInfo['rack'] => store.hosts.get(host)?.rack ?? '';
  const free = receivers.filter((host) => !holds(info, host));
  const alone = free.find((host) => !others.some((other) => rackOf(other) === rackOf(host)));
  if (alone !== undefined) return alone;
  // No worse than now: what leaves shared its rack too, or nothing leaves, or what leaves must leave.
  const shared = instead === undefined || others.some((other) => rackOf(other) === rackOf(instead));
  const must = instead !== undefined && store.hosts.get(instead)?.state !== 'up';
  return shared || must ? free[0] : undefined;
}

function planned(info: PartitionInfo, add: string, remove: string | undefined): PlannedMove {
  return { partition: info.id, partitionEpoch: info.partitionEpoch, add, remove };
}

function busyHosts(store: MapStore): { readonly hosts: ReadonlySet<string>; readonly moves: number } {
  const hosts = new Set<string>();
  let moves = 0;
  for (const { move } of store.partitions.values()) {
    if (move === undefined) continue;
    moves++;
    if (move.add !== undefined) hosts.add(move.add);
    if (move.remove !== undefined) hosts.add(move.remove);
  }
  return { hosts, moves };
}

/** How many replicas each host has once the moves under way are over (J2). */
function settledLoads(store: MapStore): ReadonlyMap<string, number> {
  const loads = new Map<string, number>();
  for (const { info, move } of store.partitions.values())
    for (const { host } of info.replicas) if (host !== move?.remove) loads.set(host, (loads.get(host) ?? 0) + 1);
  return loads;
}

/** J1: what is copied comes from the leader. */
function isBusy(info: PartitionInfo, hosts: ReadonlySet<string>): boolean {
  return info.leader !== undefined && hosts.has(info.leader);
}

function holds(info: PartitionInfo, host: string): boolean {
  return info.replicas.some((replica) => replica.host === host);
}

function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
