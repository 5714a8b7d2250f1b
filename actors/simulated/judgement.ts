// The judgement of a run that is over
// =============================================================================
//
// Reads everything back through a client, then judges: the ledger, the replay of the committed log, the order that each client saw, and in some
// runs every key by search.
//
// Tables that are deleted and made again under the same name are judged by the logs of their partitions only: an answer says which partition
// gave it, partitions are never used again, and so what an old table held can not be explained by the log of a new one. What nobody can read
// any more, since its partition is rightly stuck, is judged without its end.
//
// Sources: CORRECTNESS §3.5 (2, 3, 5, 7, 14).

import type { Outcome } from '../../messaging/client/core/operations.js';
import { ringRouting } from '../../messaging/client/core/key-routing.js';
import type { PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import { encodeKey } from '../../messaging/protocol/key.js';
import { formatEntry, type Asked, type Entry, type HeldItem, type History } from '../../messaging/workload/history.js';
import { checkKey, keyHistories } from '../../messaging/workload/key-histories.js';
import { type Finding, judgeLedger } from '../../messaging/workload/ledger.js';
import { operationOf, toldOf } from '../../messaging/workload/load-actor.js';
import type { CommittedLog } from './committed-log.js';
import type { Question } from './asker.js';
import { replay } from './replay.js';
import type { Scenario } from './scenario.js';
import type { SimulatedMesh } from './simulated-mesh.js';
import { judgeByLog } from './witness.js';

export interface Counts {
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
  readonly open: number;
}

/** What there is to judge. */
export interface Judged {
  readonly mesh: SimulatedMesh;
  readonly scenario: Scenario;
  readonly history: History;
  readonly committed: CommittedLog;
  /** Whether the partition is stuck, and may be. */
  readonly isOffline: (info: PartitionInfo) => boolean;
  readonly ask: (question: Question, withinMs: number) => Outcome;
  readonly see: (fact: string) => void;
}

const readMs = 10_000;
const findingsShown = 5;
const entriesShown = 30;

/** @throws with everything that is wrong */
export function judge(judged: Judged): void {
  const { history, scenario } = judged;
  const churned = new Set(scenario.script.flatMap((step) => (step.step === 'create-table' ? [step.table] : [])));
  const lasting = (entry: Entry): boolean => !churned.has(entry.table);
  const findings: Finding[] = [];
  const read = readBack(judged, churned, findings);
  const partitionOf = routing(judged.mesh);
  const readable = history.entries.filter((entry) => {
    if (!lasting(entry) || entry.asked.kind === 'scan') return false;
    const partition = partitionOf(entry.table, entry.asked.key);
    return partition !== undefined && read.partitions.has(partition);
  });
  findings.push(...judgeLedger(readable, (table, key) => read.items.get(`${table}\n${key}`)));
  findings.push(...judgeLogs(judged, churned, partitionOf));
  if (scenario.searched) findings.push(...judgeKeys(history.entries.filter(lasting), partitionOf, judged.see));
  if (findings.length > 0) throw new Error(formatFindings(findings));
}

interface ReadBack {
  readonly items: ReadonlyMap<string, HeldItem>;
  /** Those that were read to their end. */
  readonly partitions: ReadonlySet<number>;
}

/** Linearizable scans of every partition of the lasting tables: part of the history too, and the exact set of what there is. */
function readBack(
  { mesh, scenario, history, isOffline, ask }: Judged,
  churned: ReadonlySet<string>,
  findings: Finding[],
): ReadBack {
  const items = new Map<string, HeldItem>();
  const partitions = new Set<number>();
  const map = mesh.newestMap;
  const overBudget = scenario.faults.overBudget === true;
  const written = new Set<string>();
  for (const { table, asked } of history.entries) if (asked.kind !== 'scan') written.add(`${table}\n${asked.key}`);
  for (const info of map?.partitions.values() ?? []) {
    const table = map?.tables.get(info.table);
    if (table === undefined || churned.has(info.table)) continue;
    if (isOffline(info) || (overBudget && (info.leader === undefined || info.lineage > 1))) continue;
    let after: string | undefined;
    for (let more = true; more; ) {
      const scan: Asked = {
        kind: 'scan',
        partition: info.id,
        consistency: 'linearizable',
        ...(after === undefined ? {} : { after }),
      };
      const entry = history.call('final', info.table, scan);
      const { id: _, ...question } = operationOf(scan, info.table, 0, readMs);
      const told = toldOf(ask(question, readMs + 1000));
      history.return(entry, told);
      if (told.kind !== 'scanned') {
        if (overBudget) break;
        throw new Error(`after healing, a read still fails: ${formatEntry(entry)}`);
      }
      for (const [key, item] of told.items) {
        items.set(`${info.table}\n${key}`, item);
        after = key;
        if (!written.has(`${info.table}\n${key}`))
          findings.push({ rule: 'R1', text: `${key} of ${info.table} was never written by anybody`, entries: [entry] });
      }
      more = told.more && told.items.size > 0;
      if (!more) partitions.add(info.id);
    }
  }
  return { items, partitions };
}

type PartitionOf = (table: string, key: string) => number | undefined;

function routing(mesh: SimulatedMesh): PartitionOf {
  const map = mesh.newestMap;
  const index = ringRouting();
  return (name, key) => {
    const table = map?.tables.get(name);
    return table === undefined ? undefined : table.partitions[index(encodeKey(key), table)];
  };
}

function judgeLogs(
  { mesh, scenario, history, committed, see }: Judged,
  churned: ReadonlySet<string>,
  partitionOf: PartitionOf,
): Finding[] {
  const findings: Finding[] = [];
  const byPartition = new Map<number, Entry[]>();
  /** Failed, in a table of which nobody knows which partition it was for: it must be in no log at all. */
  const nowhere: Entry[] = [];
  for (const entry of history.entries) {
    const { asked, table, told } = entry;
    const answered = told !== undefined && 'partition' in told ? told.partition : undefined;
    const expected =
      asked.kind === 'scan' ? asked.partition : churned.has(table) ? undefined : partitionOf(table, asked.key);
    if (answered !== undefined && expected !== undefined && answered !== expected)
      findings.push({ rule: 'J3', text: `partition ${answered} answered, it is ${expected}'s`, entries: [entry] });
    const partition = answered ?? expected;
    if (partition === undefined) {
      if (told?.kind === 'failed') nowhere.push(entry);
      continue;
    }
    const known = byPartition.get(partition);
    if (known === undefined) byPartition.set(partition, [entry]);
    else known.push(entry);
  }
  for (const partition of new Set([...committed.partitions(), ...byPartition.keys()])) {
    // Over the budget a history may be lost, and its successor says so (R18). The map tells it only of partitions that are there still.
    const lineage = Math.max(committed.lineage(partition), mesh.newestMap?.partitions.get(partition)?.lineage ?? 1);
    if (scenario.faults.overBudget === true && lineage > 1) continue;
    const log = replay(committed.batches(partition));
    if (log.repeatCount > 0) see('retry found in the log and not repeated');
    if (log.staleCount > 0) see('write of a dead session found in the log and not executed');
    findings.push(...judgeByLog(byPartition.get(partition) ?? [], log));
    if (nowhere.length > 0) findings.push(...judgeByLog(nowhere, log).filter(({ rule }) => rule === 'J4'));
  }
  return findings;
}

function judgeKeys(entries: readonly Entry[], partitionOf: PartitionOf, see: (fact: string) => void): Finding[] {
  const histories = keyHistories(entries, partitionOf);
  const findings: Finding[] = [];
  for (const one of histories) {
    const verdict = checkKey(one);
    see(`key ${verdict.kind}`);
    if (verdict.kind !== 'violation') continue;
    const shown = new Set<Entry>();
    const stuck = one.calls[verdict.stuckAt]?.entry;
    for (const call of one.calls) if (near(call.entry, stuck)) shown.add(call.entry);
    const text = `no order explains ${one.key} of ${one.table}; stuck at ${stuck === undefined ? 'the end' : formatEntry(stuck)}`;
    findings.push({ rule: 'linearizability', text, entries: [...shown] });
  }
  return findings;
}

/** Worth showing beside it: overlaps it, or is not long before. */
function near(entry: Entry, stuck: Entry | undefined): boolean {
  if (stuck === undefined) return true;
  return entry.returnedMs >= stuck.calledMs - 2000 && entry.calledMs <= stuck.returnedMs + 200;
}

function formatFindings(findings: readonly Finding[]): string {
  const lines: string[] = [`${findings.length} findings`];
  for (const { rule, text, entries } of findings.slice(0, findingsShown)) {
    lines.push(`${rule}: ${text}`);
    for (const entry of entries.slice(-entriesShown)) lines.push(`    ${formatEntry(entry)}`);
  }
  return lines.join('\n');
}
