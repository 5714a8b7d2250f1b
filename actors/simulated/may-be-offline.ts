// Which partitions may be stuck for ever, within the fault budget
// =============================================================================
//
// When every copy that held everything is lost, a partition stays offline until an operator decides (R16, R18). The budget keeps one copy sound, so
// this is a failure of the run, but in three cases:
//
//   few            Hosts were removed, and those left are fewer than the table wants in sync: there is a leader, and it may commit nothing (R5).
//   asynchronous   A crash makes a copy incomplete (R17), and nothing in the budget keeps all copies from crashing one after the other before the first
//                  one has caught up.
//   torn           Copies were lost to lossy faults, as many as the budget allows (A2), and each of the others met with a loss of power that tore its
//                  tail. That is no lossy failure, for what was torn had never been synced. But the host cannot tell it from rot of the last
//                  acknowledged batch, which would be one failure too many; so only all tails torn and no copy lost lets one of them lead by
//                  itself (D8, R18). Seen from above they can be told apart: the torn copies must hold everything that was ever committed.
//
// Whatever else is stuck is a failure: also all tails torn, since then the longest leads; a copy said to be lost on a host that nothing lossy
// may strike; a torn tail that took what was acknowledged with it.

import type { PartitionInfo, TableInfo } from '../../messaging/protocol/cluster-map.js';
import type { LastReport } from '../metadata/state/partition-record.js';

export interface OfflineView {
  readonly info: PartitionInfo;
  readonly table: TableInfo;
  /** What its replicas reported last, as the metadata group keeps it (V18). */
  readonly reports: readonly LastReport[];
  /** Hosts that were not removed. */
  readonly hostCount: number;
  /** Hosts that the budget lets lose what they acknowledged (A2). */
  readonly lossyHosts: readonly string[];
  /** Whether the replica that runs at the host has on its disk all that was ever committed. */
  readonly holdsEverything: (host: string) => boolean;
}

/** Why the partition may be stuck for ever; undefined: it may not. */
export function mayBeOffline(view: OfflineView): string | undefined {
  const { info, table, lossyHosts, holdsEverything, hostCount } = view;
  if (hostCount < table.minInSync)
    return `partition ${info.id} of ${info.table} wants ${table.minInSync} in sync, and ${hostCount} hosts are left (R5)`;
  if (info.leader !== undefined || info.inSync.length > 0 || info.eligible.length > 0) return undefined;
  if (table.durability === 'async')
    return `partition ${info.id} of the asynchronous table ${info.table} lost every complete copy to crashes (R17)`;
  const torn = info.lastKnownEligible.filter((host) => hasTornTail(view, host));
  const lost = info.lastKnownEligible.filter((host) => !torn.includes(host));
  // On a lossy host it may as well have rotted. A2: not all of them are lossy.
  const sound = torn.filter((host) => !lossyHosts.includes(host));
  if (lost.length === 0 || !lost.every((host) => lossyHosts.includes(host))) return undefined;
  if (sound.length === 0 || !sound.every(holdsEverything)) return undefined;
  return `partition ${info.id} of ${info.table} lost the copy of ${lost.join(', ')}, and the tail of ${torn.join(', ')} is torn (D8)`;
}

function hasTornTail({ info, reports }: OfflineView, host: string): boolean {
  const epoch = info.replicas.find((replica) => replica.host === host)?.epoch;
  const report = reports.find((known) => known.host === host && known.replicaEpoch === epoch);
  return report?.verdict === 'tail-uncertain';
}
