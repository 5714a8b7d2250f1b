// What the controller knows of the hosts by hearing them
// =============================================================================
//
// Kept only while this member leads, on its own monotonic clock, and never in the log: timers propose, the log disposes (M14).
//
// Owns:     when each process was last heard and last answered, what it said of itself, which are proven dead.
// Does not: decide anything.
//
// Invariants
//   L1. A lease is never taken to be over before W has passed since its process was last answered; a process that this controller
//       never answered counts as answered at the moment it won.

import { leaseWaitMs } from '../lease-timing.js';
import type { HostInfo } from '../../../messaging/protocol/cluster-map.js';
import { planted } from '../../../runtime/probes/probes.js';

export interface HeartbeatFacts {
  readonly host: string;
  readonly epoch: number;
  readonly appliedRevision: number;
  readonly stalledWorkers: readonly number[];
  readonly draining: boolean;
}

interface Process {
  readonly epoch: number;
  heardMs: number | undefined;
  answeredMs: number | undefined;
  appliedRevision: number;
  stalledWorkers: readonly number[];
  /** It said that it gave up its lease for good (L6). */
  released: boolean;
}

/** Reports of dead processes kept for one that has not registered yet, or for when this member leads. */
const diedCountMax = 256;

export class Liveness {
  #wonMs = 0;
  readonly #processes = new Map<string, Process>();
  /** `host/startId` of processes that were reaped, oldest first. */
  readonly #died = new Set<string>();

  /** A new term of office: what was heard in an earlier one counts no more. */
  begin(nowMs: number): void {
    this.#wonMs = nowMs;
    this.#processes.clear();
  }

  get wonMs(): number {
    return this.#wonMs;
  }

  /** When a process that this controller never answered counts as answered. (L1) */
  get neverAnsweredMs(): number {
    return planted('PB19') ? Number.NEGATIVE_INFINITY : this.#wonMs;
  }

  heard(facts: HeartbeatFacts, nowMs: number): void {
    const process = this.#process(facts.host, facts.epoch);
    if (process === undefined) return;
    process.heardMs = nowMs;
    process.appliedRevision = Math.max(process.appliedRevision, facts.appliedRevision);
    process.stalledWorkers = facts.stalledWorkers;
    process.released ||= facts.draining;
  }

  /** A lease was granted. */
  answered(host: string, epoch: number, nowMs: number): void {
    const process = this.#process(host, epoch);
    if (process !== undefined) process.answeredMs = nowMs;
  }

  /** Its process is gone: whoever started it says so. */
  died(host: string, startId: string): void {
    this.#died.add(`${host}/${startId}`);
    if (this.#died.size <= diedCountMax) return;
    for (const oldest of this.#died) {
      this.#died.delete(oldest);
      return;
    }
  }

  isDead(host: HostInfo): boolean {
    return this.#died.has(`${host.name}/${host.startId}`);
  }

  /** How long this process has been silent. */
  silentMs(host: HostInfo, nowMs: number): number {
    return nowMs - (this.#known(host.name, host.epoch)?.heardMs ?? this.#wonMs);
  }

  wasHeard(host: HostInfo): boolean {
    return this.#known(host.name, host.epoch)?.heardMs !== undefined;
  }

  /** The highest revision that every worker of that process has applied, as it said. */
  appliedRevision(host: string, epoch: number): number {
    return this.#known(host, epoch)?.appliedRevision ?? 0;
  }

  stalledWorkers(host: HostInfo): readonly number[] {
    return this.#known(host.name, host.epoch)?.stalledWorkers ?? [];
  }

  released(host: string, epoch: number): boolean {
    return this.#known(host, epoch)?.released ?? false;
  }

  /** L1: when that process's lease is surely over, if it is granted no more. */
  leaseEndMs(host: string, epoch: number): number {
    const process = this.#known(host, epoch);
    if (process?.released === true) return this.#wonMs; // it reads from no lease any more
    return (process?.answeredMs ?? this.neverAnsweredMs) + leaseWaitMs;
  }

  #known(host: string, epoch: number): Process | undefined {
    const process = this.#processes.get(host);
    return process?.epoch === epoch ? process : undefined;
  }

  #process(host: string, epoch: number): Process | undefined {
    const known = this.#processes.get(host);
    if (known !== undefined && known.epoch > epoch) return undefined; // late words of a process before
    if (known?.epoch === epoch) return known;
    const process: Process = {
      epoch,
      heardMs: undefined,
      answeredMs: undefined,
      appliedRevision: 0,
      stalledWorkers: [],
      released: false,
    };
    this.#processes.set(host, process);
    return process;
  }
}
