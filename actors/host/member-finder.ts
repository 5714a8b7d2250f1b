// Where the metadata group's leader may be
// =============================================================================
//
// Follows hints while they are of use, and goes round all known members when they are not: those learned, and those it was started with, since either
// may all be gone.

import { metadataActor } from '../../messaging/protocol/cluster-map.js';
import type { Address } from '../../runtime/contract/address.js';
import type { MemberSeed } from './host-arguments.js';

export class MemberFinder {
  readonly #seeds: readonly string[];
  #hosts: readonly string[];
  #target: string;

  /** REQUIRES at least one seed. @param random a number that spreads hosts over the members at first. */
  constructor(seeds: readonly MemberSeed[], fallback: string, random: number) {
    this.#seeds = seeds.length === 0 ? [fallback] : seeds.map((seed) => seed.host);
    this.#hosts = this.#seeds;
    this.#target = this.#hosts[random % this.#hosts.length] ?? fallback;
  }

  /** The member to ask now. */
  get address(): Address {
    return { host: this.#target, worker: 0, actor: metadataActor };
  }

  /** A hint that somebody leads; undefined and repeated hints send to the next member. @returns whether the target changed. */
  follow(leader: string | undefined): boolean {
    if (leader === undefined || leader === this.#target) return this.rotate();
    this.#target = leader;
    return true;
  }

  /** The one asked is silent or knows nothing: ask the next. */
  rotate(): boolean {
    const at = this.#hosts.indexOf(this.#target);
    const next = this.#hosts[(at + 1) % this.#hosts.length];
    const changed = next !== undefined && next !== this.#target;
    if (next !== undefined) this.#target = next;
    return changed;
  }

  /** It answered as the leader, or named it. */
  settle(leader: string): void {
    this.#target = leader;
  }

  /** Hosts of the members as the map has them. */
  learn(hosts: readonly string[]): void {
    if (hosts.length > 0) this.#hosts = [...new Set([...hosts, ...this.#seeds])];
  }

  /** Whoever may be a member, the one asked now first. */
  get known(): readonly string[] {
    return [...new Set([this.#target, ...this.#hosts])];
  }

  /** What another finder of this host knows: its first is asked now. Nobody known here is forgotten, since either of the two may be behind. */
  beginWith(known: readonly string[]): void {
    const [first] = known;
    if (first === undefined) return;
    this.#hosts = [...new Set([...known, ...this.#hosts])];
    this.#target = first;
  }
}
