// The consistent-hash ring
// =============================================================================
//
// Each node owns many points on a circle of 2^32 positions (its virtual nodes); a hash belongs to the node of the first point at or
// after it, clockwise. A ring is never changed: adding or removing a node gives a new one.
//
// Invariants
//   H1. The same nodes and virtual-node count give the same ring, whatever their order, the process, the machine or the version.
//   H2. Adding a node moves hashes only to it, removing one only from it: about 1/(N+1) of them, the new node's share.
//   H3. replicasFor gives distinct nodes; the first is nodeFor's, and the list for n is the beginning of the list for n + 1.
//   H4. With 150 virtual nodes no node of 2 to 100 has more than 1.4 times, or less than 0.65 times, the mean share (measured over
//       many node sets; a share's standard deviation is about 1/√150 ≈ 8 % of the mean).
//
// Sources: Karger et al., "Consistent hashing and random trees" (1997); DeCandia et al., "Dynamo" (2007), §4.2 and §6.2.

import { assert } from '../../runtime/std/assert.js';
import { xxHash32 } from './xx-hash.js';

export const defaultVirtualNodes = 150;

const circle = 0x1_0000_0000;
/** Points carry their node's index in their low digits while they are sorted. */
const nodeCountMax = 1 << 20;

const utf8 = new TextEncoder();

export class HashRing {
  /** In the order of their names. */
  readonly nodes: readonly string[];
  readonly virtualNodes: number;
  /** Positions on the circle, ascending, and whose they are (an index into `nodes`). */
  readonly #positions: Uint32Array;
  readonly #owners: Uint32Array;

  /** @throws TypeError for a name that is empty or there twice, or a count that is no whole number from 1 to 10,000 */
  constructor(nodes: readonly string[], virtualNodes: number = defaultVirtualNodes) {
    if (!Number.isInteger(virtualNodes) || virtualNodes < 1 || virtualNodes > 10_000) {
      throw new TypeError(`virtualNodes is a whole number from 1 to 10000, not ${virtualNodes}`);
    }
    const names = [...nodes].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)); // H1: not by locale
    if (names.length > nodeCountMax) throw new TypeError(`a ring has at most ${nodeCountMax} nodes`);
    for (let i = 0; i < names.length; i++) {
      if (typeof names[i] !== 'string' || names[i] === '') throw new TypeError('a node is a string that is not empty');
      if (i > 0 && names[i] === names[i - 1]) throw new TypeError(`node ${names[i]} is there twice`);
    }
    this.nodes = names;
    this.virtualNodes = virtualNodes;
    const points = new Float64Array(names.length * virtualNodes);
    for (let i = 0; i < names.length; i++) {
      for (let v = 0; v < virtualNodes; v++) {
        points[i * virtualNodes + v] = xxHash32(utf8.encode(`${names[i]}#${v}`)) * nodeCountMax + i;
      }
    }
    // Where two nodes have a point in one position, the first by name gets it (H1).
    points.sort((a, b) => a - b);
    this.#positions = new Uint32Array(points.length);
    this.#owners = new Uint32Array(points.length);
    for (let i = 0; i < points.length; i++) {
      const point = points[i] as number;
      this.#positions[i] = Math.floor(point / nodeCountMax);
      this.#owners[i] = point % nodeCountMax;
    }
  }

  /** The node that a hash belongs to. @throws RangeError when the ring has no nodes */
  nodeFor(hash: number): string {
    return this.nodes[this.nodeIndexFor(hash)] as string;
  }

  /** The same, as an index into `nodes`. */
  nodeIndexFor(hash: number): number {
    if (this.nodes.length === 0) throw new RangeError('the ring has no nodes');
    return this.#owners[this.#pointFor(hash)] as number;
  }

  /** The first `count` distinct nodes from the hash on, clockwise; all of them when there are fewer. (H3) */
  replicasFor(hash: number, count: number): string[] {
    assert(Number.isInteger(count) && count >= 0, 'H3: a replica count is a whole number');
    const wanted = Math.min(count, this.nodes.length);
    const found: string[] = [];
    const owners = this.#owners;
    const seen = new Set<number>();
    for (let at = wanted === 0 ? 0 : this.#pointFor(hash); found.length < wanted; at = (at + 1) % owners.length) {
      const owner = owners[at] as number;
      if (seen.has(owner)) continue;
      seen.add(owner);
      found.push(this.nodes[owner] as string);
    }
    return found;
  }

  /** A new ring with this node too. @throws TypeError when it is there */
  add(node: string): HashRing {
    return new HashRing([...this.nodes, node], this.virtualNodes);
  }

  /** A new ring without this node. @throws TypeError when it is not there */
  remove(node: string): HashRing {
    if (!this.nodes.includes(node)) throw new TypeError(`node ${node} is not on the ring`);
    return new HashRing(
      this.nodes.filter((name) => name !== node),
      this.virtualNodes,
    );
  }

  /** Each node's part of the circle; together 1. Exact, not sampled. */
  shares(): Map<string, number> {
    const parts = new Float64Array(this.nodes.length);
    const positions = this.#positions;
    for (let i = 0; i < positions.length; i++) {
      const previous = i === 0 ? (positions[positions.length - 1] as number) - circle : (positions[i - 1] as number);
      const owner = this.#owners[i] as number;
      parts[owner] = (parts[owner] as number) + (positions[i] as number) - previous;
    }
    return new Map(this.nodes.map((node, i) => [node, (parts[i] as number) / circle]));
  }

  /** Index of the first point at or after the hash. */
  #pointFor(hash: number): number {
    assert(Number.isInteger(hash) && hash >= 0 && hash < circle, 'a hash is a whole number below 2^32');
    const positions = this.#positions;
    let low = 0;
    let high = positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((positions[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return low === positions.length ? 0 : low;
  }
}
