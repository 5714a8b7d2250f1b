// What was acknowledged is there, what failed is not
// =============================================================================
//
// Judges the keys that were written once (`ifVersion` 0) and the counters against what is read when everything is over. Needs no search: it
// finds the plainest of all faults, and says them plainly.
//
// Sources: CORRECTNESS R6, R21–R23, S2, §3.5 (5, 7, 14).

import type { Entry, HeldItem } from './history.js';

export interface Finding {
  /** The rule that does not hold. */
  readonly rule: string;
  readonly text: string;
  readonly entries: readonly Entry[];
}

/** @param finally_ the item as read by a linearizable read after every operation has returned; undefined = there is none. */
export function judgeLedger(
  entries: readonly Entry[],
  finally_: (table: string, key: string) => HeldItem | undefined,
): Finding[] {
  const findings: Finding[] = [];
  const counters = new Map<string, Entry[]>();
  const keys = new Map<string, Entry[]>();
  for (const entry of entries) {
    const { asked } = entry;
    if (asked.kind === 'scan' || asked.kind === 'get') continue;
    const id = `${entry.table}\n${asked.key}`;
    const group = asked.kind === 'increment' ? counters : keys;
    const known = group.get(id);
    if (known === undefined) group.set(id, [entry]);
    else known.push(entry);
  }
  for (const group of keys.values()) {
    const [only] = group;
    if (group.length === 1 && only !== undefined) judgeOnce(only, finally_, findings);
  }
  for (const group of counters.values()) judgeCounter(group, finally_, findings);
  return findings;
}

function judgeOnce(
  entry: Entry,
  finally_: (table: string, key: string) => HeldItem | undefined,
  findings: Finding[],
): void {
  const { asked, told } = entry;
  if (asked.kind !== 'put' || asked.ifVersion !== 0) return;
  const item = finally_(entry.table, asked.key);
  const there = item !== undefined && item.value === asked.value && item.version === 1;
  if (told?.kind === 'written') {
    if (told.status !== 'applied')
      findings.push({ rule: 'S2', text: `nobody else writes ${asked.key}, and yet: ${told.status}`, entries: [entry] });
    else if (!there)
      findings.push({ rule: 'R21', text: `${asked.key} was acknowledged and is lost`, entries: [entry] });
  } else if (told?.kind === 'failed') {
    if (item !== undefined)
      findings.push({ rule: 'R22', text: `${asked.key} failed (${told.code}) and is there`, entries: [entry] });
  } else if (item !== undefined && !there)
    findings.push({ rule: 'R1', text: `${asked.key} holds what nobody wrote`, entries: [entry] });
}

function judgeCounter(
  group: readonly Entry[],
  finally_: (table: string, key: string) => HeldItem | undefined,
  findings: Finding[],
): void {
  let [sure, perhaps, sureCount, perhapsCount] = [0, 0, 0, 0];
  let [table, key] = ['', ''];
  const values = new Map<unknown, Entry>();
  for (const entry of group) {
    const { asked, told } = entry;
    if (asked.kind !== 'increment') continue;
    [table, key] = [entry.table, asked.key];
    if (told?.kind === 'failed') continue;
    if (told?.kind !== 'written') {
      perhaps += asked.by;
      perhapsCount++;
      continue;
    }
    sure += asked.by;
    sureCount++;
    const twin = values.get(told.value);
    if (twin !== undefined)
      findings.push({ rule: 'S2', text: `two increments of ${key} gave ${told.value}`, entries: [twin, entry] });
    values.set(told.value, entry);
  }
  const item = finally_(table, key);
  const value = Number(item?.value ?? 0);
  const version = item?.version ?? 0;
  const within = value >= sure && value <= sure + perhaps;
  const counted = version >= sureCount && version <= sureCount + perhapsCount;
  if (within && counted) return;
  const rule = value < sure || version < sureCount ? 'R21' : 'R23';
  const text =
    `${key} is ${value} after ${version} increments; ${sure} in ${sureCount} were acknowledged` +
    ` and ${perhaps} more in ${perhapsCount} are unknown`;
  findings.push({ rule, text, entries: group });
}
