// Waiting until the cluster is well
// =============================================================================

import type { Database, StatusReport } from '../messaging/client/index.js';

const lookMs = 100;

/** The last status seen: healthy, or what it was when the deadline passed. A status that cannot be had counts as unhealthy. */
export async function waitUntilHealthy(
  db: Database,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Pick<StatusReport, 'healthy' | 'reasons'>> {
  let last: Pick<StatusReport, 'healthy' | 'reasons'> = { healthy: false, reasons: ['nobody has answered yet'] };
  for (;;) {
    signal.throwIfAborted();
    try {
      last = await db.admin.status({ timeout: 2000, signal });
      if (last.healthy) return last;
    } catch (error) {
      signal.throwIfAborted();
      last = { healthy: false, reasons: [error instanceof Error ? error.message : String(error)] };
    }
    if (Date.now() > deadlineMs) return last;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
