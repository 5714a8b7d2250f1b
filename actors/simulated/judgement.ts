// The judgement of a run that is over
// =============================================================================
//
// Reads everything back through a client, then judges: the ledger, the replay of the committed log, every key by search, the order that each
// client saw.

import type { Outcome } from '../../messaging/client/core/operations.js';
import { ringRouting } from '../../messaging/client/core/key-routing.js';
import { encodeKey } from '../../messaging/protocol/key.js';
import { formatEntry, type Entry, type HeldItem, type History } from '../../messaging/workload/history.js';
import { checkKey, keyHistories } from '../../messaging/workload/key-histories.js';
import { type Finding, judgeLedger } from '../../messaging/workload/ledger.js';
import { operationOf, toldOf } from '../../messaging/workload/load-actor.js';
import type { CommittedLog } from './committed-log.js';
import type { Question } from './asker.js';
import { replay } from './replay.js';
import type { SimulatedMesh } from './simulated-mesh.js';
import { judgeByLog } from './witness.js';

export interface Counts {
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
  readonly open: number;
}

const readMs = 10_000;
const findingsShown = 5;
const entriesShown = 30;

/** @throws with everything that is wrong */
export function judge(
  mesh: SimulatedMesh,
  history: History,
  committed: CommittedLog,
  ask: (question: Question, withinMs: number) => Outcome,
  see: (fact: string) => void,
): void {
  const final = readBack(history, ask);
  const findings = judgeLedger(history.entries, (table, key) => final.get(`${table}\n${key}`));
  const partitionOf = routing(mesh);
  findings.push(...judgeLogs(history, committed, partitionOf, see));
  findings.push(...judgeKeys(history, partitionOf, see));
  if (findings.length > 0) throw new Error(formatFindings(findings));
}

/** A linearizable read of every key that anybody wrote: part of the history too. */
function readBack(
  history: History,
  ask: (question: Question, withinMs: number) => Outcome,
): Map<string, HeldItem | undefined> {
  const final = new Map<string, HeldItem | undefined>();
  for (const { table, asked } of history.entries.slice()) {
    if (asked.kind === 'scan' || final.has(`${table}\n${asked.key}`)) continue;
    const get = { kind: 'get', key: asked.key, consistency: 'linearizable' } as const;
    const entry = history.call('final', table, get);
    const { id: _, ...question } = operationOf(get, table, 0, readMs);
    const told = toldOf(ask(question, readMs + 1000));
    history.return(entry, told);
    if (told.kind !== 'got') throw new Error(`after healing, a read still fails: ${formatEntry(entry)}`);
    final.set(`${table}\n${asked.key}`, told.item);
  }
  return final;
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
  history: History,
  committed: CommittedLog,
  partitionOf: PartitionOf,
  see: (fact: string) => void,
): Finding[] {
  const byPartition = new Map<number, Entry[]>();
  for (const entry of history.entries) {
    const { asked, table } = entry;
    const partition = asked.kind === 'scan' ? asked.partition : partitionOf(table, asked.key);
    if (partition === undefined) continue;
    const known = byPartition.get(partition);
    if (known === undefined) byPartition.set(partition, [entry]);
    else known.push(entry);
  }
  const findings: Finding[] = [];
  for (const [partition, entries] of byPartition) {
    const log = replay(committed.batches(partition));
    if (log.repeatCount > 0) see('retry found in the log and not repeated');
    if (log.staleCount > 0) see('write of a dead session found in the log and not executed');
    findings.push(...judgeByLog(entries, log));
  }
  return findings;
}

function judgeKeys(history: History, partitionOf: PartitionOf, see: (fact: string) => void): Finding[] {
  const histories = keyHistories(history.entries, partitionOf);
  const findings: Finding[] = [];
  for (const one of histories) {
    const verdict = checkKey(one);
    see(`key ${verdict.kind}`);
    if (verdict.kind !== 'violation') continue;
    const entries = new Set<Entry>();
    const stuck = one.calls[verdict.stuckAt]?.entry;
    for (const call of one.calls) if (near(call.entry, stuck)) entries.add(call.entry);
    const text = `no order explains ${one.key} of ${one.table}; stuck at ${stuck === undefined ? 'the end' : formatEntry(stuck)}`;
    findings.push({ rule: 'linearizability', text, entries: [...entries] });
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
