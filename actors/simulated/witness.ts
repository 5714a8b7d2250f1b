// Does the committed log witness what clients were told?
// =============================================================================
//
// The committed log is the order in which writes took effect; so no search is needed: each answer must be the log's, and the order of answers
// in real time must be the log's order. Reads must be the state at some offset that is not before anything that was answered earlier.
//
// Invariants
//   J3. An acknowledged write is in the log at the offset that its receipt names, with that result, and no two share one (R6, R21, R23).
//   J4. A value that failed is not in the log (R22).
//   J5. Who asked after another was answered is not before it in the log: for all clients with linearizable reads, for each client by itself
//       with `session` reads (R9, R20, L2, L4, L8).
//   J6. A read of any kind gives a state that was committed; a page of a scan gives one moment of all keys that it covers, in their order (R20).
//   J7. A put takes effect at most once, in whatever session it was sent (R23, S2, S5): no two puts write the same value.
//
// Sources: CORRECTNESS §3.5 (2); Jepsen's model replay of TigerBeetle.

import type { Entry, HeldItem } from '../../messaging/workload/history.js';
import { sameItem, sameOutput } from '../../messaging/workload/item-model.js';
import type { Finding } from '../../messaging/workload/ledger.js';
import { covers, malformed } from '../../messaging/workload/scan-cover.js';
import type { Effect, ItemEra, Replay } from './replay.js';

/** Offsets [from, to) at which something was the state. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** @param entries of one partition, in the order of their calls */
export function judgeByLog(entries: readonly Entry[], log: Replay): Finding[] {
  const findings: Finding[] = [];
  judgeReceipts(entries, log, findings);
  judgeFailures(entries, log, findings);
  judgeRepeats(log, findings);
  judgeOrder(entries, log, findings);
  return findings;
}

function judgeReceipts(entries: readonly Entry[], log: Replay, findings: Finding[]): void {
  const claimed = new Map<number, Entry>();
  for (const entry of entries) {
    const { asked, told } = entry;
    if (told?.kind !== 'written' || asked.kind === 'scan') continue;
    const effect = log.effects.get(told.offset);
    const twin = claimed.get(told.offset);
    if (twin !== undefined)
      findings.push({ rule: 'J3', text: `two receipts of offset ${told.offset}`, entries: [twin, entry] });
    claimed.set(told.offset, entry);
    if (effect === undefined)
      findings.push({ rule: 'J3', text: `acknowledged, and no effect in the log at ${told.offset}`, entries: [entry] });
    else if (effect.key !== asked.key || !isOf(effect, entry) || !sameOutput(effect.output, told))
      findings.push({ rule: 'J3', text: `the log says ${JSON.stringify(effect)}`, entries: [entry] });
  }
}

function isOf(effect: Effect, { asked }: Entry): boolean {
  const { input } = effect;
  if (input.kind !== asked.kind) return false;
  if (input.kind === 'put') return asked.kind === 'put' && asked.value === input.value;
  return input.kind === 'increment' ? asked.kind === 'increment' && asked.by === input.by : true;
}

function judgeFailures(entries: readonly Entry[], log: Replay, findings: Finding[]): void {
  const written = new Map<unknown, Effect>();
  for (const effect of log.effects.values()) if (effect.input.kind === 'put') written.set(effect.input.value, effect);
  for (const entry of entries) {
    const { asked, told } = entry;
    if (told?.kind !== 'failed' || asked.kind !== 'put') continue;
    const effect = written.get(asked.value);
    if (effect !== undefined)
      findings.push({
        rule: 'J4',
        text: `failed (${told.code}), and in the log at ${effect.offset}`,
        entries: [entry],
      });
  }
}

/** J7 */
function judgeRepeats(log: Replay, findings: Finding[]): void {
  const written = new Map<unknown, Effect>();
  for (const effect of log.effects.values()) {
    if (effect.input.kind !== 'put') continue;
    const twin = written.get(effect.input.value);
    written.set(effect.input.value, effect);
    if (twin === undefined) continue;
    const text = `${effect.key}: the put of ${String(effect.input.value).slice(0, 40)} took effect at ${twin.offset} and at ${effect.offset}`;
    findings.push({ rule: 'J7', text, entries: [] });
  }
}

/** J5, J6: runs through calls and returns in their order, and keeps what everybody may rely on. */
function judgeOrder(entries: readonly Entry[], log: Replay, findings: Finding[]): void {
  const events: { readonly at: number; readonly entry: Entry; readonly isReturn: boolean }[] = [];
  for (const entry of entries) {
    events.push({ at: entry.calledAt, entry, isReturn: false });
    if (Number.isFinite(entry.returnedAt)) events.push({ at: entry.returnedAt, entry, isReturn: true });
  }
  events.sort((a, b) => a.at - b.at);
  /** Everything below was answered to somebody, to whom: the entry that moved it. */
  let all: { readonly offset: number; readonly by: Entry | undefined } = { offset: 0, by: undefined };
  const byClient = new Map<string, number>();
  const floors = new Map<Entry, typeof all>();
  for (const { entry, isReturn } of events) {
    const own = byClient.get(entry.client) ?? 0;
    if (!isReturn) {
      floors.set(entry, floorOf(entry, all, own));
      continue;
    }
    const floor = floors.get(entry) ?? { offset: 0, by: undefined };
    const odd = entry.asked.kind === 'scan' && entry.told?.kind === 'scanned' && malformed(entry.asked, entry.told);
    if (typeof odd === 'string') findings.push({ rule: 'J6', text: odd, entries: [entry] });
    const position = positionOf(entry, log, floor.offset);
    if (position === undefined) continue;
    if (position === 'none') {
      const before = floor.by === undefined ? [] : [floor.by];
      const text = `no committed state from offset ${floor.offset} on explains it`;
      findings.push({ rule: consistencyOf(entry) === 'stale' ? 'J6' : 'J5', text, entries: [...before, entry] });
      continue;
    }
    byClient.set(entry.client, Math.max(own, position));
    if (consistencyOf(entry) === 'linearizable' && position > all.offset) all = { offset: position, by: entry };
  }
}

function consistencyOf({ asked }: Entry): 'linearizable' | 'session' | 'stale' {
  return asked.kind === 'get' || asked.kind === 'scan' ? asked.consistency : 'linearizable';
}

function floorOf(
  entry: Entry,
  all: { readonly offset: number; readonly by: Entry | undefined },
  own: number,
): { readonly offset: number; readonly by: Entry | undefined } {
  const consistency = consistencyOf(entry);
  if (consistency === 'linearizable') return all;
  return { offset: consistency === 'session' ? own : 0, by: undefined };
}

/** How much of the log the answer proves to be committed, at the least; `none`: it contradicts the floor; undefined: it says nothing. */
function positionOf({ asked, told }: Entry, log: Replay, floor: number): number | 'none' | undefined {
  if (told?.kind === 'written') return told.offset >= floor ? told.offset + 1 : 'none';
  if (told?.kind === 'got' && asked.kind === 'get') return earliest([spansOf(log, asked.key, told.item)], floor);
  if (told?.kind !== 'scanned' || asked.kind !== 'scan') return undefined;
  const spans: Span[][] = [];
  for (const key of told.items.keys()) if (!log.eras.has(key)) return 'none';
  for (const key of log.eras.keys()) if (covers(asked, told, key)) spans.push(spansOf(log, key, told.items.get(key)));
  return earliest(spans, floor);
}

/** When the item was like that. */
function spansOf(log: Replay, key: string, item: HeldItem | undefined): Span[] {
  const eras = log.eras.get(key) ?? [];
  const spans: Span[] = [];
  const first = eras[0];
  if (item === undefined)
    spans.push({ from: 0, to: first === undefined ? Number.POSITIVE_INFINITY : first.offset + 1 });
  for (let i = 0; i < eras.length; i++) {
    const era = eras[i] as ItemEra;
    if (!sameItem(era.state, item)) continue;
    const next = eras[i + 1];
    spans.push({ from: era.offset + 1, to: next === undefined ? Number.POSITIVE_INFINITY : next.offset + 1 });
  }
  return spans;
}

/** The first position at or after `floor` that lies in a span of every list. */
function earliest(lists: readonly (readonly Span[])[], floor: number): number | 'none' {
  let position = floor;
  for (let moved = true; moved; ) {
    moved = false;
    for (const spans of lists) {
      const span = spans.find(({ to }) => to > position);
      if (span === undefined) return 'none';
      if (span.from <= position) continue;
      position = span.from;
      moved = true;
    }
  }
  return position;
}
