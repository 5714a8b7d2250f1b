// Commands about hosts: registration, fencing, draining, removal
// =============================================================================
//
// Invariants
//   V13. A registration replaces exactly the registration it names: one that comes late changes nothing (T1).
//   V14. A replica that registers loses its old epoch in the same step in which it leaves the in-sync set, before anything it
//        says counts again (R17).
//   V15. A replica that its host did not report is lost, and its place is claimed by nobody (M13, R17). A place that nobody had claimed
//        lost nothing: while it was in a set nothing could be committed without it (R5).

import type { HostInfo, HostState } from '../../../messaging/protocol/cluster-map.js';
import type { ReplicaReport } from '../../../messaging/protocol/host-messages.js';
import { isName, workerCountMax } from '../../../runtime/contract/address.js';
import type { Change } from './change.js';
import type { MetadataCommand, RegisterHost, RegisterReplicas } from './command.js';
import { failed, type Outcome, overtaken } from './outcome.js';
import type { PartitionDraft } from './partition-record.js';
import { planted, sometimes } from '../../../runtime/probes/probes.js';

type Of<Kind extends MetadataCommand['kind']> = Extract<MetadataCommand, { readonly kind: Kind }>;

export function registerHost(change: Change, command: RegisterHost): Outcome {
  const { store, index } = change;
  const name = command.host;
  if (!isName(name) || !(command.workers >= 1 && command.workers <= workerCountMax))
    return failed('INVALID_ARGUMENT', `no host: ${name} with ${command.workers} workers`);
  const known = store.hosts.get(name);
  if (known?.startId === command.startId) sometimes('metadata/registration-repeated');
  if (known?.startId === command.startId) return { kind: 'registered', epoch: known.epoch, startId: known.startId };
  if ((known?.epoch ?? 0) !== command.after)
    return { kind: 'register-refused', reason: 'after-mismatch', epoch: known?.epoch ?? 0 }; // V13
  if (known?.state === 'removed' && known.diskId === command.diskId)
    return { kind: 'register-refused', reason: 'removed', epoch: known.epoch };

  const reports = new Map(command.replicas.map((report) => [report.partition, report]));
  const drafts = change.draftsOn(name);
  for (const draft of drafts) {
    noteLoss(draft, name, reports.get(draft.id));
    // The old process is out first, with whatever it led (V14).
    leave(change, draft, name, command.dead);
    const report = reports.get(draft.id);
    const claimed = draft.replicaOn(name)?.incarnation !== 0;
    draft.register(name, index, report?.incarnation ?? 0, report); // V15
    if (claimed && report?.verdict !== 'complete' && !planted('PB08')) draft.lose(name);
  }
  change.putHost({
    name,
    revision: index,
    state: store.drained.has(name) ? 'draining' : 'up',
    epoch: index,
    startId: command.startId,
    diskId: command.diskId,
    workers: command.workers,
    rack: command.rack,
    pid: command.pid,
    version: command.version,
  });
  for (const draft of drafts) change.elect(draft, command.holds);
  change.note({ kind: 'host-registered', level: 'info', host: name, epoch: index, replicas: command.replicas.length });
  return { kind: 'registered', epoch: index, startId: command.startId };
}

export function registerReplicas(change: Change, command: RegisterReplicas): Outcome {
  const host = change.store.hosts.get(command.host);
  if (host === undefined || host.epoch !== command.epoch) return overtaken;
  const drafts: PartitionDraft[] = [];
  for (const report of command.replicas) {
    const draft = change.draft(report.partition);
    const replica = draft?.replicaOn(command.host);
    if (draft === undefined || replica === undefined) continue;
    // Incarnations rise within a process: what is not higher is a repetition, or late.
    if (report.incarnation <= replica.incarnation) continue;
    registerReplica(change, draft, host, replica.incarnation, report);
    drafts.push(draft);
  }
  for (const draft of drafts) {
    // A partition that nobody led yet begins with the replica that is to lead it; the controller does not wait for it for ever.
    if (draft.neverLed && draft.replicas[0]?.host !== command.host) continue;
    change.elect(draft, command.holds);
  }
  return { kind: 'done', result: undefined };
}

function registerReplica(
  change: Change,
  draft: PartitionDraft,
  host: HostInfo,
  registered: number,
  report: ReplicaReport,
): void {
  draft.register(host.name, change.index, report.incarnation, report);
  if (registered === 0) return; // V15
  if (draft.leader === host.name) sometimes('metadata/leader-s-worker-restarted');
  noteLoss(draft, host.name, report);
  leave(change, draft, host.name, true); // V14. Its old actor is gone: the same process says so.
  if (report.verdict !== 'complete' && !planted('PB08')) draft.lose(host.name);
}

export function fenceHost(change: Change, command: Of<'fence-host'>): Outcome {
  const host = change.store.hosts.get(command.host);
  if (host === undefined || host.epoch !== command.epoch) return overtaken;
  if (host.state === 'fenced' || host.state === 'removed') return overtaken;
  const drafts = change.draftsOn(command.host);
  for (const draft of drafts) leave(change, draft, command.host, command.dead);
  setState(change, host, 'fenced');
  for (const draft of drafts) change.elect(draft, command.holds);
  change.note({ kind: 'host-fenced', level: 'warn', host: command.host, dead: command.dead });
  return { kind: 'done', result: undefined };
}

export function unfenceHost(change: Change, command: Of<'unfence-host'>): Outcome {
  const { store } = change;
  const host = store.hosts.get(command.host);
  if (host === undefined || host.epoch !== command.epoch || host.state !== 'fenced') return overtaken;
  setState(change, host, store.drained.has(host.name) ? 'draining' : 'up');
  for (const draft of change.draftsOn(host.name)) if (draft.leader === undefined) change.elect(draft, command.holds); // R16
  change.note({ kind: 'host-unfenced', level: 'info', host: host.name });
  return { kind: 'done', result: undefined };
}

export function drainHost(change: Change, command: Of<'drain-host'>): Outcome {
  const { store } = change;
  const host = store.hosts.get(command.host);
  if (host === undefined || host.state === 'removed') return failed('NOT_FOUND', `there is no host ${command.host}`);
  if (command.epoch !== 0) {
    if (host.epoch !== command.epoch || host.state !== 'up') return overtaken;
    setState(change, host, 'draining');
    return { kind: 'done', result: undefined };
  }
  if (store.drained.has(host.name) === command.drain) return { kind: 'done', result: { changed: false } };
  if (command.drain) store.drained.add(host.name);
  else store.drained.delete(host.name);
  if (host.state !== 'fenced') setState(change, host, command.drain ? 'draining' : 'up');
  else change.touch();
  change.note({ kind: command.drain ? 'host-drained' : 'host-undrained', level: 'info', host: host.name });
  return { kind: 'done', result: { changed: true } };
}

export function removeHost(change: Change, command: Of<'remove-host'>): Outcome {
  const { store } = change;
  const host = store.hosts.get(command.host);
  if (host === undefined) return failed('NOT_FOUND', `there is no host ${command.host}`);
  if (host.state === 'removed') return { kind: 'done', result: { changed: false } };
  const drafts = change.draftsOn(host.name);
  if (host.state !== 'fenced' && (host.state !== 'draining' || drafts.length > 0))
    return failed(
      'CONDITION_FAILED',
      `host ${host.name} is in use: drain it until it holds nothing, or stop it, first`,
    );
  for (const draft of drafts) {
    const holders = [...draft.inSync, ...draft.eligible];
    if (holders.length === 1 && holders[0] === host.name && !draft.neverLed)
      return failed(
        'CONDITION_FAILED',
        `host ${host.name} has the only complete copy of partition ${draft.id} of table ${draft.table.name}`,
      );
  }
  for (const draft of drafts) {
    leave(change, draft, host.name, false);
    draft.lose(host.name);
  }
  store.drained.delete(host.name);
  setState(change, host, 'removed');
  for (const draft of drafts) change.elect(draft, []);
  change.note({ kind: 'host-removed', level: 'warn', host: host.name });
  return { kind: 'done', result: { changed: true } };
}

function noteLoss(draft: PartitionDraft, host: string, report: ReplicaReport | undefined): void {
  if (report?.verdict === 'complete' || draft.neverLed) return;
  const holds = draft.inSync.includes(host) || draft.eligible.includes(host);
  if (holds) sometimes('metadata/complete-copy-lost');
  if (draft.leader === host && draft.inSync.length === draft.table.minInSync)
    sometimes('metadata/leader-lost-its-copy-at-minimum');
}

function leave(change: Change, draft: PartitionDraft, host: string, dead: boolean): void {
  if (draft.leader === host) change.depose(draft, dead);
  draft.leaveInSync(host); // R11
}

function setState(change: Change, host: HostInfo, state: HostState): void {
  change.putHost({ ...host, state, revision: change.index });
}
