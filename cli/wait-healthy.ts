// Waiting until the cluster is well
// =============================================================================

import type { Database, StatusReport } from '../messaging/client/index.js';

const lookMs = 100;

/**
 * The last status seen: healthy, or what it was when the deadline passed. A status that cannot be had counts as unhealthy.
 * @param hosts that must be up, too: one that never registered is not missed by the cluster. Empty where nobody knows which there should be.
 */
export async function waitUntilHealthy(
  db: Database,
  deadlineMs: number,
  signal: AbortSignal,
  hosts: readonly string[],
): Promise<Pick<StatusReport, 'healthy' | 'reasons'>> {
  let last: Pick<StatusReport, 'healthy' | 'reasons'> = { healthy: false, reasons: ['nobody has answered yet'] };
  for (;;) {
    signal.throwIfAborted();
    try {
      const status = await db.admin.status({ timeout: 2000, signal });
      const missing = hosts.filter((name) => !status.hosts.some((host) => host.name === name && host.state === 'up'));
      if (missing.length > 0) last = { healthy: false, reasons: [...missing.map(notThere), ...status.reasons] };
      else last = status;
      if (last.healthy) return last;
    } catch (error) {
      signal.throwIfAborted();
      last = { healthy: false, reasons: [error instanceof Error ? error.message : String(error)] };
    }
    if (Date.now() > deadlineMs) return last;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

function notThere(host: string): string {
  return `host ${host} has not registered`;
}
