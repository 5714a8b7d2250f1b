// Do all replicas hold the same?
// =============================================================================
//
// As far as they say themselves in a status: the offset applied and the number of items. That their contents are equal is checked by the
// replicas among each other (R19), and one that differs is no longer in sync. Bytes are those of memory, which depend on what came in which order:
// a replica that was given a snapshot has other index nodes than one that grew.

import type { Database, StatusReport } from '../../messaging/client/index.js';

const lookMs = 100;

/** What differs, or undefined when nothing does. */
export function differenceOf(status: Pick<StatusReport, 'tables'>): string | undefined {
  for (const { name, partitions } of status.tables) {
    for (const { id, leader, replicas, copies } of partitions) {
      const where = `partition ${id} of table ${name}`;
      const first = copies.find(({ host }) => host === leader);
      if (first === undefined || copies.length < replicas.length) return `${where}: not every replica answers`;
      for (const { host, applied, items } of copies)
        if (applied !== first.applied || items !== first.items)
          return `${where}: ${host} has ${items} items at ${applied}, ${first.host} has ${first.items} at ${first.applied}`;
    }
  }
  return undefined;
}

/** Waits for a quiet mesh's replicas to come to the same. @returns what still differs at the deadline */
export async function waitForEqualCopies(
  db: Database,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (;;) {
    signal.throwIfAborted();
    let difference: string | undefined;
    try {
      difference = differenceOf(await db.admin.status({ timeout: 2000, signal }));
    } catch (error) {
      signal.throwIfAborted();
      difference = error instanceof Error ? error.message : String(error);
    }
    if (difference === undefined || Date.now() > deadlineMs) return difference;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
