// Do the receipts of writes name one order, and is it true to time?
// =============================================================================
//
// A receipt says at which offset of its partition's log the write stands. The log itself cannot be seen from outside, so this is what of the witness
// check can be done on a live mesh: no search, and across keys, which the search never looks at together.
//
// Invariants
//   J1. No two writes stand at one offset (R1, R23).
//   J2. A write that was asked after another was answered stands behind it, in no older epoch (R1, R6).
//
// Sources: CORRECTNESS §3.5 (2). We differ from actors/simulated/witness.ts, which replays the log.

import type { Entry, Told } from './history.js';
import type { Finding } from './ledger.js';

const findingsMax = 20;

interface Write {
  readonly entry: Entry;
  readonly offset: number;
  readonly epoch: number;
}

/** Of acknowledged writes with a receipt; what failed or is unknown stands nowhere. */
export function judgeReceipts(entries: readonly Entry[]): Finding[] {
  const findings: Finding[] = [];
  for (const writes of byPartition(entries)) {
    judgeTwins(writes, findings);
    judgeOrder(writes, findings);
  }
  return findings;
}

function byPartition(entries: readonly Entry[]): Write[][] {
  const groups = new Map<string, Write[]>();
  for (const entry of entries) {
    const { told } = entry;
    if (!isApplied(told)) continue;
    const id = `${entry.table}\n${told.partition}\n${told.lineage}`;
    const write = { entry, offset: told.offset, epoch: told.epoch };
    const known = groups.get(id);
    if (known === undefined) groups.set(id, [write]);
    else known.push(write);
  }
  return [...groups.values()];
}

function isApplied(told: Told | undefined): told is Extract<Told, { readonly kind: 'written' }> {
  return told?.kind === 'written' && told.status === 'applied' && told.epoch > 0; // epochs begin with 1: nobody kept this one's receipt
}

/** J1 */
function judgeTwins(writes: readonly Write[], findings: Finding[]): void {
  const at = new Map<number, Write>();
  for (const write of writes) {
    const twin = at.get(write.offset);
    if (twin !== undefined && findings.length < findingsMax)
      findings.push({ rule: 'R1', text: `two writes at offset ${write.offset}`, entries: [twin.entry, write.entry] });
    at.set(write.offset, write);
  }
}

/** J2: a sweep over time, which knows the write farthest behind in the log among those already answered. */
function judgeOrder(writes: readonly Write[], findings: Finding[]): void {
  const called = [...writes].sort((a, b) => a.entry.calledAt - b.entry.calledAt);
  const returned = [...writes].sort((a, b) => a.entry.returnedAt - b.entry.returnedAt);
  let next = 0;
  let [last, newest] = [undefined, undefined] as [Write | undefined, Write | undefined];
  for (const write of called) {
    for (; ; next++) {
      const over = returned[next];
      if (over === undefined || over.entry.returnedAt > write.entry.calledAt) break;
      if (last === undefined || over.offset > last.offset) last = over;
      if (newest === undefined || over.epoch > newest.epoch) newest = over;
    }
    if (findings.length >= findingsMax) return;
    if (last !== undefined && write.offset < last.offset)
      findings.push({
        rule: 'R6',
        text: `asked after offset ${last.offset} was answered, and stands before it at ${write.offset}`,
        entries: [last.entry, write.entry],
      });
    else if (newest !== undefined && write.epoch < newest.epoch)
      findings.push({
        rule: 'R1',
        text: `asked after epoch ${newest.epoch} had answered, and answered by epoch ${write.epoch}`,
        entries: [newest.entry, write.entry],
      });
  }
}
