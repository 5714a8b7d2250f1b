// A verdict as people and programs read it
// =============================================================================

import { formatEntry } from '../../messaging/workload/history.js';
import type { Verdict } from '../../messaging/workload/verdict.js';
import { type Output, paint } from '../output.js';

/** For `-o json`: fields are added, never changed. */
export interface VerdictReport {
  readonly linearizable: 'yes' | 'no' | 'inconclusive';
  readonly operations: number;
  readonly share: number;
  readonly keys: Verdict['keys'];
  readonly counters: number;
  readonly acknowledgedLost: number;
  readonly failedVisible: number;
  readonly appliedTwice: number;
  readonly unread: number;
  readonly findings: readonly { readonly rule: string; readonly text: string }[];
}

const findingsShown = 5;
const entriesShown = 12;

/** @param share of all keys that were recorded */
export function reportVerdict(
  { outcome, keys, operations, counters, unread, findings }: Verdict,
  share: number,
): VerdictReport {
  const of = (...rules: string[]): number => findings.filter(({ rule }) => rules.includes(rule)).length;
  return {
    linearizable: outcome === 'linearizable' ? 'yes' : outcome === 'violated' ? 'no' : 'inconclusive',
    operations,
    share,
    keys,
    counters,
    acknowledgedLost: of('R21'),
    failedVisible: of('R22'),
    appliedTwice: of('R23', 'S2'),
    unread,
    findings: findings.map(({ rule, text }) => ({ rule, text })),
  };
}

/** Some lines; those of findings come with the operations near them. */
export function describeVerdict(verdict: Verdict, share: number, output: Output): string[] {
  const report = reportVerdict(verdict, share);
  const { keys } = report;
  const count = keys.linearizable + keys.violated + keys.undecided;
  const colour = { yes: 'green', no: 'red', inconclusive: 'yellow' } as const;
  const sampled = share < 1 ? `, sampled: 1 key in ${Math.round(1 / share)}` : '';
  const counted = (n: number): string => (n === 0 ? '0' : paint(output, 'red', String(n)));
  const lines = [
    `linearizable: ${paint(output, colour[report.linearizable], report.linearizable)}  (${keys.linearizable} of ${count} keys, ${report.operations} operations${sampled})`,
    `acknowledged and lost: ${counted(report.acknowledgedLost)} · failed and there: ${counted(report.failedVisible)} · applied twice: ${counted(report.appliedTwice)} (${report.counters} counters)`,
  ];
  if (keys.undecided > 0)
    lines.push(`${keys.undecided} keys could not be decided in the time given: nothing is said of them`);
  if (report.unread > 0)
    lines.push(`${report.unread} keys could not be read at the end: nothing is said of what they hold`);
  for (const { rule, text, entries } of verdict.findings.slice(0, findingsShown)) {
    lines.push(`${paint(output, 'red', rule)}: ${text}`);
    for (const entry of entries.slice(0, entriesShown)) lines.push(`    ${formatEntry(entry)}`);
  }
  if (verdict.findings.length > findingsShown)
    lines.push(`and ${verdict.findings.length - findingsShown} more findings`);
  return lines;
}
