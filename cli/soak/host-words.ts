// What the hosts of a soak say, as far as it matters for the verdict
// =============================================================================
//
// An actor that crashed, a thread that died of anything but a test, and a host that ended for a reason that no fault explains are bugs, even
// when the mesh mends itself and no client noticed.

import { hostExitCodes } from '../../runtime/threads/exit-codes.js';
import { threadDeathReason } from '../../runtime/storage/faulty-disk.js';

const crashesMax = 20;
/** Its disk failed, or NATS was away for too long: faults of a soak. */
const explained: readonly number[] = [hostExitCodes.stopped, hostExitCodes.storageFailed, hostExitCodes.unreachable];

const eventLine = /^\S+: [\d:.]+ (?:debug|info|warn|error) +(\S+) (\S+) ?(.*)$/;
const endLine = /^(\S+): troupe: host \S+ ends \(exit code (\d+)\): (.*)$/;

export class HostWords {
  readonly #ends = new Map<string, { readonly exitCode: number; readonly reason: string; readonly count: number }>();
  readonly #counts = new Map<string, number>();
  readonly #crashes: string[] = [];

  /** A line of the mesh's log, `name: text`. */
  hear(line: string): void {
    const [, host, code, reason = ''] = endLine.exec(line) ?? [];
    if (host !== undefined) {
      const exitCode = Number(code);
      this.#ends.set(host, { exitCode, reason, count: this.endCount(host) + 1 });
      if (!explained.includes(exitCode)) this.#crash(`${host} ended (exit code ${exitCode}): ${reason}`);
      return;
    }
    const [, where, kind, fields = ''] = eventLine.exec(line) ?? [];
    if (where === undefined || kind === undefined) return;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    // A replica is quarantined when it differs from its leader.
    if (
      kind === 'actor-crashed' ||
      kind === 'replica-quarantined' ||
      (kind === 'worker-died' && !fields.includes(threadDeathReason))
    )
      this.#crash(`${where} ${kind} ${fields}`);
  }

  #crash(text: string): void {
    if (this.#crashes.length < crashesMax) this.#crashes.push(text);
  }

  /** How the host last ended by itself. */
  endOf(host: string): { readonly exitCode: number; readonly reason: string } | undefined {
    return this.#ends.get(host);
  }

  /** How often it ended by itself. */
  endCount(host: string): number {
    return this.#ends.get(host)?.count ?? 0;
  }

  /** How often each event was told. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** What no fault explains, oldest first. */
  get crashes(): readonly string[] {
    return this.#crashes;
  }
}
