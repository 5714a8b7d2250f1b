// Which hosts hold a new partition
// =============================================================================
//
// The ring of hosts gives each partition an order of hosts; the first that are not too full get its replicas, on distinct racks as far
// as there are racks. The replica that leads by preference is the one whose host leads fewest.
//
// Invariants
//   V8. Replicas of a partition are on distinct hosts; racks repeat only when there are fewer racks than replicas.
//   V9. No host gets more than the mean and one while enough others have room, at any time: what comes later needs no evening out.
//
// Sources: Mirrokni, Thorup and Zadimoghaddam, "Consistent hashing with bounded loads" (2016), for the cap.

import { HashRing } from '../../../messaging/hashing/hash-ring.js';
import { xxHash32 } from '../../../messaging/hashing/xx-hash.js';
import type { HostInfo } from '../../../messaging/protocol/cluster-map.js';
import { assert, present } from '../../../runtime/std/assert.js';

/** Loads before and, mutated, after: replicas and preferred leaderships a host. */
export interface HostLoads {
  readonly replicas: Map<string, number>;
  readonly leaders: Map<string, number>;
}

const utf8 = new TextEncoder();

let lastRing = new HashRing([]);

/** A ring is a pure function of its names, and a log that is replayed asks for the same one again and again. */
function ringOf(names: readonly string[]): HashRing {
  const sorted = [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (sorted.length !== lastRing.nodes.length || sorted.some((name, i) => name !== lastRing.nodes[i]))
    lastRing = new HashRing(names);
  return lastRing;
}

/**
 * Hosts for each of `partitions`, the preferred leader first. Adds to `loads`.
 * REQUIRES at least `count` hosts.
 */
export function placePartitions(
  partitions: readonly number[],
  hosts: readonly HostInfo[],
  count: number,
  loads: HostLoads,
): string[][] {
  assert(hosts.length >= count, 'V8: there are enough hosts');
  const ring = ringOf(hosts.map((host) => host.name));
  const racks = new Map(hosts.map((host) => [host.name, host.rack]));
  const rackCount = new Set(racks.values()).size;
  let total = 0;
  for (const host of hosts) total += loads.replicas.get(host.name) ?? 0;
  return partitions.map((partition, placed) => {
    // A host is full when it has what an even spread would give it by now (V9).
    const cap = Math.floor((total + placed * count) / hosts.length) + 1;
    const order = ring.replicasFor(xxHash32(utf8.encode(`partition-${partition}`)), hosts.length);
    const chosen: string[] = [];
    const usedRacks = new Set<string>();
    // Four passes, each giving up one wish: room first, then distinct racks.
    for (const [spread, bounded] of [
      [true, true],
      [true, false],
      [false, true], // V9
      [false, false],
    ] as const) {
      for (const host of order) {
        if (chosen.length === count) break;
        const rack = present(racks.get(host), 'a host on the ring has a rack');
        if (chosen.includes(host)) continue;
        if (spread && usedRacks.size < rackCount && usedRacks.has(rack)) continue;
        if (spread && usedRacks.size >= rackCount) continue;
        if (bounded && (loads.replicas.get(host) ?? 0) >= cap) continue;
        chosen.push(host);
        usedRacks.add(rack);
      }
    }
    assert(chosen.length === count && new Set(chosen).size === count, 'V8: distinct hosts');
    for (const host of chosen) loads.replicas.set(host, (loads.replicas.get(host) ?? 0) + 1);
    const first = leastLeading(chosen, loads.leaders);
    loads.leaders.set(first, (loads.leaders.get(first) ?? 0) + 1);
    return [first, ...chosen.filter((host) => host !== first)];
  });
}

function leastLeading(hosts: readonly string[], leaders: ReadonlyMap<string, number>): string {
  let best = present(hosts[0], 'V8: there are hosts');
  for (const host of hosts) if ((leaders.get(host) ?? 0) < (leaders.get(best) ?? 0)) best = host;
  return best;
}
