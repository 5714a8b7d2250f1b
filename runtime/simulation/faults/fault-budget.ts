// How much may be broken at one time: the fault atlas of one run
// =============================================================================
//
// The protocols promise to come through a bounded number of failures at a time; more than that, and a run proves nothing when it gets
// stuck. So a fault that takes a host down, or what it had acknowledged, asks here first.
//
// Invariants
//   A1. At most `downCountMax` hosts are down by injected kills at one time, also while a kill is only prepared.
//   A2. A fault that loses what a host had acknowledged strikes only hosts of one set, drawn before the run: whatever strikes, however
//       often, no partition ever has more lossy replicas than `min(minInSync) - 1`, and the metadata group no more lossy members than a minority.
//       A set by time (one host now, another when the first has caught up) would be allowed too, but whether it has caught up is what the run
//       is to find out. A torn tail is no loss, so it may be anybody's; but its host cannot know that, and beside lost copies it may keep a
//       partition offline (D8). Whoever judges has to allow for that.
//   A3. Over budget nothing is refused; such a run is judged for safety only.
//
// Sources: CORRECTNESS §2.0 (fault budget), R21, §3.2 (fault atlas).

import type { Random } from '../../std/random.js';
import type { SimulatedCluster } from '../simulated-cluster.js';

export interface BudgetOptions {
  /** Hosts that may be down by injected kills at one time; kinds that take down many at once on purpose are not bound by it. */
  readonly downCountMax: number;
  /** Clock rates stay within 1 ± this (CORRECTNESS §2.0: 1e-3). */
  readonly driftMax: number;
  /** Hosts that may lose what they acknowledged and notice it; the last host when absent. */
  readonly lossyHosts?: readonly string[];
  /** Hosts that may lose it without noticing: lying disks, old directories; none when absent. */
  readonly forgetfulHosts?: readonly string[];
  /** Faults may do more than the cluster promises to survive: only safety is judged. */
  readonly overBudget?: boolean;
}

export class FaultBudget {
  readonly driftMax: number;
  readonly #cluster: SimulatedCluster;
  readonly #options: BudgetOptions;
  /** Hosts that a fault keeps down, or is about to take down, with how many faults do. */
  readonly #taken = new Map<string, number>();

  constructor(cluster: SimulatedCluster, options: BudgetOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.driftMax = options.driftMax;
  }

  /** Hosts that are down, or taken. */
  get downCount(): number {
    return this.#cluster.hosts.filter((host) => !host.up || this.#taken.has(host.name)).length;
  }

  /** A1: the living hosts of which one may be taken down now. */
  get mortal(): readonly string[] {
    const { downCountMax, overBudget } = this.#options;
    if (overBudget !== true && this.downCount >= downCountMax) return [];
    return this.#cluster.hosts.filter((host) => host.up && !this.#taken.has(host.name)).map((host) => host.name);
  }

  /** A2: the mortal hosts that may also lose what they acknowledged. */
  get lossy(): readonly string[] {
    const last = this.#cluster.hosts.at(-1)?.name;
    return this.#within(this.#options.lossyHosts ?? (last === undefined ? [] : [last]));
  }

  /** A2: as `lossy`, without noticing. */
  get forgetful(): readonly string[] {
    return this.#within(this.#options.forgetfulHosts ?? []);
  }

  #within(names: readonly string[]): readonly string[] {
    return this.#options.overBudget === true ? this.mortal : this.mortal.filter((name) => names.includes(name));
  }

  /** A1: the host counts as down until what this gives is called, also while it still runs or runs again. */
  take(host: string): () => void {
    this.#taken.set(host, (this.#taken.get(host) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const count = (this.#taken.get(host) ?? 1) - 1;
      if (count === 0) this.#taken.delete(host);
      else this.#taken.set(host, count);
    };
  }
}

/**
 * Draws the hosts that may lose what they acknowledged: `min(minInSync) - 1` of all tables, and no more members of the metadata group than a
 * minority. A2
 * @param members hosts of the metadata group; those that found it are the first ones in a simulated mesh.
 */
export function drawLossyHosts(
  random: Random,
  hosts: readonly string[],
  members: readonly string[],
  minInSync: readonly number[],
): string[] {
  let countMax = Math.min(hosts.length, ...minInSync) - 1;
  let memberCountMax = Math.ceil(members.length / 2) - 1;
  const drawn: string[] = [];
  const left = [...hosts];
  while (countMax > 0 && left.length > 0) {
    const host = left.splice(random.below(left.length), 1)[0] as string;
    if (members.includes(host)) {
      if (memberCountMax === 0) continue;
      memberCountMax--;
    }
    drawn.push(host);
    countMax--;
  }
  return hosts.filter((host) => drawn.includes(host));
}
