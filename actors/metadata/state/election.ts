// Who leads a partition
// =============================================================================
//
// R11: an unfenced member of the in-sync set, else an unfenced eligible one, else nobody. Everyone in either set holds everything
// committed, so the choice among them is taste: the order of the replicas, which placement has spread evenly.
//
// Invariants
//   V6. Only a host that is up is elected, or, when its partition has no other candidate, one that an administrator drains: what
//       is moved away from it has to be copied from it. A process about to stop, a fenced or a removed host is never elected.
//   V7. Without a candidate the partition stays without a leader and says why; only when every last holder is back and merely
//       lost an unsynced tail (D8) does the longest of them lead, in a new lineage (R18).

import { leaseWaitMs } from '../lease-timing.js';
import type { HostInfo } from '../../../messaging/protocol/cluster-map.js';
import type { Holds } from './command.js';
import type { LastReport, PartitionDraft } from './partition-record.js';
import { sometimes } from '../../../runtime/probes/probes.js';

export interface Electorate {
  readonly hosts: ReadonlyMap<string, HostInfo>;
  /** Hosts that an administrator drains. */
  readonly drained: ReadonlySet<string>;
}

/** What an election did, for the audit. */
export type ElectionResult = 'kept' | 'elected' | 'none' | 'tail-truncated-all';

/** Gives a partition without a leader one, if anybody may lead. */
export function electLeader(draft: PartitionDraft, electorate: Electorate, holds: Holds): ElectionResult {
  if (draft.leader !== undefined) return 'kept';
  const candidate = candidateFor(draft, electorate, []);
  if (candidate !== undefined) {
    draft.lead(candidate, holdFor(draft, holds));
    return 'elected';
  }
  const survivor = longestOfTheUncertain(draft, electorate);
  if (survivor !== undefined) {
    sometimes('metadata/all-tails-uncertain');
    draft.leadUncleanly(survivor, holdFor(draft, holds));
    return 'tail-truncated-all';
  }
  sometimes(
    draft.inSync.length + draft.eligible.length === 0 ? 'metadata/no-complete-copy-left' : 'metadata/no-candidate',
  );
  draft.reason = reasonFor(draft); // V7
  return 'none';
}

/** The best candidate, or undefined. */
export function candidateFor(
  draft: PartitionDraft,
  electorate: Electorate,
  avoid: readonly string[],
): string | undefined {
  const ordered = draft.replicas.map((replica) => replica.host);
  const able = (host: string, allowDrained: boolean): boolean => {
    if (avoid.includes(host)) return false;
    if ((draft.replicaOn(host)?.incarnation ?? 0) === 0) return false; // nobody runs it yet
    const state = electorate.hosts.get(host)?.state;
    return state === 'up' || (allowDrained && state === 'draining' && electorate.drained.has(host)); // V6
  };
  for (const allowDrained of [false, true]) {
    const inSync = ordered.find((host) => draft.inSync.includes(host) && able(host, allowDrained));
    if (inSync !== undefined) return inSync;
    const eligible = ordered
      .filter((host) => draft.eligible.includes(host) && able(host, allowDrained))
      .sort(
        (a, b) => compareReports(reportOf(draft, b), reportOf(draft, a)) || ordered.indexOf(a) - ordered.indexOf(b),
      )[0];
    if (eligible !== undefined) return eligible;
  }
  return undefined;
}

/** L5: how long the new leader may not commit. */
export function holdFor(draft: PartitionDraft, holds: Holds): number {
  if (draft.table.reads === 'confirm') return 0; // no lease is read from
  if (draft.deposed.length === 0) return 0; // nobody can still think that it leads
  const known = holds.find(([partition]) => partition === draft.id);
  return Math.min(known?.[1] ?? leaseWaitMs, leaseWaitMs);
}

function longestOfTheUncertain(draft: PartitionDraft, electorate: Electorate): string | undefined {
  const members = draft.lastKnownEligible;
  if (members.length === 0 || draft.inSync.length > 0 || draft.eligible.length > 0) return undefined;
  const reports: LastReport[] = [];
  for (const host of members) {
    const report = reportOf(draft, host);
    if (report === undefined || report.verdict !== 'tail-uncertain') return undefined; // V7
    if (electorate.hosts.get(host)?.state !== 'up') return undefined;
    reports.push(report);
  }
  return reports.sort((a, b) => compareReports(b, a) || (a.host < b.host ? -1 : 1))[0]?.host;
}

function reportOf(draft: PartitionDraft, host: string): LastReport | undefined {
  const report = draft.reports.find((known) => known.host === host);
  return report !== undefined && report.replicaEpoch === draft.replicaOn(host)?.epoch ? report : undefined;
}

/** By what is longer; no report is shortest. */
function compareReports(a: LastReport | undefined, b: LastReport | undefined): number {
  return (a?.lastEpoch ?? -1) - (b?.lastEpoch ?? -1) || (a?.end ?? -1) - (b?.end ?? -1);
}

function reasonFor(draft: PartitionDraft): string {
  if (draft.neverLed) return 'waiting for its replicas to start';
  const holders = [...draft.inSync, ...draft.eligible];
  if (holders.length > 0) return `waiting for ${holders.join(' or ')}: nobody else holds everything that was committed`;
  return (
    `every copy that held everything (${draft.lastKnownEligible.join(', ') || 'unknown'}) was lost or is damaged; ` +
    'it stays offline, since taking another copy could lose acknowledged writes'
  );
}
