// The verdict over a history and what was read when it was over
// =============================================================================
//
// The ledger first, since it says plainly what is wrong; then the order of the receipts, then each key by search, until the time is up. What was not decided is counted and
// said: no verdict is better than it is.
//
// Invariants
//   G1. `linearizable` only if every key was decided; a violation of one key is one of the whole.

import type { Entry, HeldItem } from './history.js';
import { checkKey, type KeyHistory, keyHistories } from './key-histories.js';
import { type Finding, judgeLedger } from './ledger.js';
import { judgeReceipts } from './receipt-order.js';

export interface KeyCounts {
  readonly linearizable: number;
  readonly violated: number;
  /** The search gave up, or the time was up before it began. */
  readonly undecided: number;
}

export interface Verdict {
  readonly outcome: 'linearizable' | 'violated' | 'inconclusive';
  readonly keys: KeyCounts;
  readonly operations: number;
  readonly counters: number;
  /** Keys that could not be read at the end. */
  readonly unread: number;
  readonly findings: readonly Finding[];
}

export interface Judged {
  /** As read by linearizable reads after everything had returned; `unread`: nobody could say. */
  readonly finally: (table: string, key: string) => HeldItem | undefined | 'unread';
  /** Whether the time is up. */
  readonly isOver: () => boolean;
  readonly stepsPerKeyMax?: number;
}

const stepsPerKeyMaxDefault = 200_000;

/** Of keys only: scans of whole partitions are judged in simulation. */
export function judgeHistory(entries: readonly Entry[], judged: Judged): Verdict {
  const unread = new Set<string>();
  const counters = new Set<string>();
  const readBack: Entry[] = [];
  for (const entry of entries) {
    if (entry.asked.kind === 'scan') continue;
    const { key } = entry.asked;
    const id = `${entry.table}\n${key}`;
    if (entry.asked.kind === 'increment') counters.add(id);
    if (judged.finally(entry.table, key) === 'unread') unread.add(id);
    else readBack.push(entry);
  }
  const findings = judgeLedger(readBack, (table, key) => {
    const item = judged.finally(table, key);
    return item === 'unread' ? undefined : item;
  });
  findings.push(...judgeReceipts(entries));
  const keys = judgeKeys(entries, judged, findings);
  const isDecided = keys.undecided === 0 && unread.size === 0;
  const outcome = findings.length > 0 ? 'violated' : isDecided ? 'linearizable' : 'inconclusive'; // G1
  return { outcome, keys, operations: entries.length, counters: counters.size, unread: unread.size, findings };
}

function judgeKeys(entries: readonly Entry[], judged: Judged, findings: Finding[]): KeyCounts {
  const counts = { linearizable: 0, violated: 0, undecided: 0 };
  for (const history of keyHistories(entries, () => undefined)) {
    if (judged.isOver()) {
      counts.undecided++;
      continue;
    }
    const result = checkKey(history, judged.stepsPerKeyMax ?? stepsPerKeyMaxDefault);
    if (result.kind === 'linearizable') counts.linearizable++;
    else if (result.kind === 'inconclusive') counts.undecided++;
    else {
      counts.violated++;
      findings.push(findingOf(history, result.stuckAt));
    }
  }
  return counts;
}

function findingOf({ table, key, calls }: KeyHistory, stuckAt: number): Finding {
  const stuck = calls[stuckAt]?.entry;
  const entries = calls.map((call) => call.entry).sort((a, b) => a.calledAt - b.calledAt);
  const near = stuck === undefined ? entries.length : entries.indexOf(stuck);
  const shown = entries.slice(Math.max(0, near - 20), near + 10);
  return { rule: 'linearizability', text: `no order explains ${key} of ${table}`, entries: shown };
}
