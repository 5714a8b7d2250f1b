// Records in the order of their keys: a B+tree in typed arrays
// =============================================================================
//
// A node is 256 words of a page. An entry has four bytes of its key, taken after what all keys between the node's two bounding separators
// begin with, so that most comparisons read no key at all.
//
//   leaf   │ count │ skip │ next │ previous │ 126 prefixes │ 126 records │
//   inner  │ count │ skip │  –   │    –     │  84 prefixes │  84 separators │ 84 children │     count = children, separators one fewer
//
// Child i + 1 of an inner node holds the keys from separator i on. A separator is the shortest text that tells its two sides apart, and
// belongs to the index.
//
// Invariants
//   T1. Keys ascend within a leaf and along the chain of leaves; every key of a node lies between its bounding separators.
//   T2. `skip` is at most what those two separators have in common at their beginnings; 0 where one is missing.
//   T3. All leaves are equally deep. Inner nodes have at least two children. No leaf is empty but a root.
//   T4. A leaf of less than a quarter is merged with a neighbour when three quarters hold both, so memory follows what is stored.
//
// Sources: Bayer and Unterauer, "Prefix B-trees" (1977); Graefe, "Modern B-tree techniques" (2011), §3.4 and §3.5 (key normalization,
// prefix truncation by fence keys).

import { assert } from '../../../runtime/std/assert.js';
import { type Records, recordHeaderBytes, separatorHeaderBytes } from './records.js';
import { arenaShift, type Handle, unitMask } from './slab.js';

/** A node's number; 0 = none. */
type Node = number;

const nodeWords = 256;
const pageNodes = 64;
const atCount = 0;
const atSkip = 1;
const atNext = 2;
const atPrevious = 3;
const atPrefixes = 4;
export const leafMax = 126;
export const innerMax = 84;
const atRecords = atPrefixes + leafMax;
const atSeparators = atPrefixes + innerMax;
const atChildren = atSeparators + innerMax;
const depthMax = 12;

/** A place between entries; any change of the index ends its use. */
export interface Cursor {
  node: Node;
  index: number;
}

export class OrderedIndex {
  readonly #records: Records;
  #pages: Uint32Array[] = [];
  #nodeCount = 1; // node 0 is none
  #freeNode: Node = 0;
  #liveNodes = 0;
  #root: Node = 0;
  /** Levels above the leaves. */
  #height = 0;
  // The way down to the leaf found last: node, child taken, bounding separators of the node.
  readonly #path = new Uint32Array(depthMax);
  readonly #taken = new Uint32Array(depthMax);
  readonly #lows = new Uint32Array(depthMax);
  readonly #highs = new Uint32Array(depthMax);
  // Both sides of two siblings, while they are merged or evened out.
  readonly #children = new Uint32Array(2 * innerMax);
  readonly #separators = new Uint32Array(2 * innerMax);

  constructor(records: Records) {
    this.#records = records;
    this.#root = this.#newNode();
  }

  get byteCount(): number {
    return this.#liveNodes * nodeWords * 4;
  }

  get reservedBytes(): number {
    return this.#pages.length * pageNodes * nodeWords * 4;
  }

  // --- finding ----------------------------------------------------------------------------------------------------------

  find(key: Uint8Array): Handle {
    const leaf = this.#descend(key);
    const page = this.#page(leaf);
    const at = this.#at(leaf);
    const index = this.#lowerBound(page, at, key);
    if (index >= (page[at + atCount] as number)) return 0;
    const handle = page[at + atRecords + index] as number;
    return this.#records.keyEquals(handle, key) ? handle : 0;
  }

  /** Before the first key that is not below `key`. */
  seek(key: Uint8Array): Cursor {
    const node = this.#descend(key);
    return this.#settle({ node, index: this.#lowerBound(this.#page(node), this.#at(node), key) });
  }

  /** Before the first key above `key`. */
  seekAfter(key: Uint8Array): Cursor {
    const cursor = this.seek(key);
    const handle = this.handleAt(cursor);
    if (handle !== 0 && this.#records.keyEquals(handle, key)) this.advance(cursor);
    return cursor;
  }

  first(): Cursor {
    let node = this.#root;
    for (let depth = this.#height; depth > 0; depth--) node = this.#page(node)[this.#at(node) + atChildren] as number;
    return { node, index: 0 };
  }

  /** Behind the last. */
  end(): Cursor {
    let node = this.#root;
    for (let depth = this.#height; depth > 0; depth--) {
      const at = this.#at(node);
      const page = this.#page(node);
      node = page[at + atChildren + (page[at + atCount] as number) - 1] as number;
    }
    return { node, index: this.#page(node)[this.#at(node) + atCount] as number };
  }

  /** The record after the cursor, or 0 at the end. */
  handleAt(cursor: Cursor): Handle {
    const at = this.#at(cursor.node);
    const page = this.#page(cursor.node);
    return cursor.index < (page[at + atCount] as number) ? (page[at + atRecords + cursor.index] as number) : 0;
  }

  /** REQUIRES handleAt(cursor) ≠ 0. */
  advance(cursor: Cursor): void {
    cursor.index += 1;
    this.#settle(cursor);
  }

  /** One back: false at the beginning. */
  retreat(cursor: Cursor): boolean {
    if (cursor.index === 0) {
      const previous = this.#page(cursor.node)[this.#at(cursor.node) + atPrevious] as number;
      if (previous === 0) return false;
      cursor.node = previous;
      cursor.index = this.#page(previous)[this.#at(previous) + atCount] as number; // T3: not empty
    }
    cursor.index -= 1;
    return true;
  }

  /** From behind a leaf's last entry to before the next one's first. */
  #settle(cursor: Cursor): Cursor {
    const at = this.#at(cursor.node);
    const page = this.#page(cursor.node);
    const next = page[at + atNext] as number;
    if (cursor.index >= (page[at + atCount] as number) && next !== 0) {
      cursor.node = next;
      cursor.index = 0;
    }
    return cursor;
  }

  // --- changing ---------------------------------------------------------------------------------------------------------

  /** REQUIRES that the key is not there, and is the record's. */
  insert(key: Uint8Array, handle: Handle): void {
    const leaf = this.#descend(key);
    const page = this.#page(leaf);
    const at = this.#at(leaf);
    const count = page[at + atCount] as number;
    const index = this.#lowerBound(page, at, key);
    if (count < leafMax) this.#insertInLeaf(leaf, index, key, handle);
    else this.#splitLeaf(leaf, index, key, handle);
  }

  /** REQUIRES that the key is there. */
  replace(key: Uint8Array, handle: Handle): void {
    const leaf = this.#descend(key);
    const page = this.#page(leaf);
    const at = this.#at(leaf);
    const index = this.#lowerBound(page, at, key);
    assert(index < (page[at + atCount] as number), 'T1: the key is in the index');
    page[at + atRecords + index] = handle;
  }

  /** REQUIRES that the key is there, and its record still readable. */
  remove(key: Uint8Array): void {
    const leaf = this.#descend(key);
    const page = this.#page(leaf);
    const at = this.#at(leaf);
    const count = (page[at + atCount] as number) - 1;
    const index = this.#lowerBound(page, at, key);
    assert(index <= count, 'T1: the key is in the index');
    page.copyWithin(at + atPrefixes + index, at + atPrefixes + index + 1, at + atPrefixes + count + 1);
    page.copyWithin(at + atRecords + index, at + atRecords + index + 1, at + atRecords + count + 1);
    page[at + atCount] = count;
    if (count < leafMax >> 2 && this.#height > 0) this.#mergeLeaf(this.#height - 1);
  }

  /** Frees the separators: for an index that shares its slab with others. It is empty afterwards. */
  dispose(): void {
    this.#freeSeparators(this.#root, this.#height);
    this.clear();
  }

  #freeSeparators(node: Node, height: number): void {
    if (height === 0) return;
    const page = this.#page(node);
    const at = this.#at(node);
    const count = page[at + atCount] as number;
    for (let i = 0; i < count - 1; i++) this.#records.slab.free(page[at + atSeparators + i] as number);
    for (let i = 0; i < count; i++) this.#freeSeparators(page[at + atChildren + i] as number, height - 1);
  }

  /** Forgets everything, separators too: their slab is cleared with them. */
  clear(): void {
    this.#pages = [];
    this.#nodeCount = 1;
    this.#freeNode = 0;
    this.#liveNodes = 0;
    this.#height = 0;
    this.#root = this.#newNode();
  }

  // --- the way down -----------------------------------------------------------------------------------------------------

  /** The leaf that holds the key if any does; the way there stays in the path. */
  #descend(key: Uint8Array): Node {
    let node = this.#root;
    let low: Handle = 0;
    let high: Handle = 0;
    const height = this.#height;
    for (let depth = 0; depth < height; depth++) {
      const page = this.#page(node);
      const at = this.#at(node);
      const index = this.#upperBound(page, at, key);
      this.#path[depth] = node;
      this.#taken[depth] = index;
      this.#lows[depth] = low;
      this.#highs[depth] = high;
      if (index > 0) low = page[at + atSeparators + index - 1] as number;
      if (index < (page[at + atCount] as number) - 1) high = page[at + atSeparators + index] as number;
      node = page[at + atChildren + index] as number;
    }
    this.#lows[height] = low;
    this.#highs[height] = high;
    return node;
  }

  /** Index of a leaf's first entry that is not below the key. */
  #lowerBound(page: Uint32Array, at: number, key: Uint8Array): number {
    const skip = page[at + atSkip] as number;
    const prefix = prefixOf(key, 0, key.length, skip);
    let low = 0;
    let high = page[at + atCount] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = page[at + atPrefixes + middle] as number;
      const below =
        entry < prefix ||
        (entry === prefix && this.#compareRecord(page[at + atRecords + middle] as number, key, skip) < 0);
      if (below) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Number of an inner node's separators that are not above the key. */
  #upperBound(page: Uint32Array, at: number, key: Uint8Array): number {
    const skip = page[at + atSkip] as number;
    const prefix = prefixOf(key, 0, key.length, skip);
    let low = 0;
    let high = (page[at + atCount] as number) - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = page[at + atPrefixes + middle] as number;
      const above =
        entry > prefix ||
        (entry === prefix && this.#compareSeparator(page[at + atSeparators + middle] as number, key, skip) > 0);
      if (above) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #compareRecord(handle: Handle, key: Uint8Array, from: number): number {
    const bytes = this.#records.slab.bytes[handle >>> arenaShift] as Uint8Array;
    const start = (handle & unitMask) * 8 + 4 + recordHeaderBytes;
    return compareFrom(bytes, start, this.#records.keyLength(handle), key, from);
  }

  #compareSeparator(handle: Handle, key: Uint8Array, from: number): number {
    const bytes = this.#records.slab.bytes[handle >>> arenaShift] as Uint8Array;
    const start = (handle & unitMask) * 8 + 4 + separatorHeaderBytes;
    return compareFrom(bytes, start, this.#records.keyLength(handle), key, from);
  }

  // --- leaves -----------------------------------------------------------------------------------------------------------

  #insertInLeaf(leaf: Node, index: number, key: Uint8Array, handle: Handle): void {
    const page = this.#page(leaf);
    const at = this.#at(leaf);
    const count = page[at + atCount] as number;
    page.copyWithin(at + atPrefixes + index + 1, at + atPrefixes + index, at + atPrefixes + count);
    page.copyWithin(at + atRecords + index + 1, at + atRecords + index, at + atRecords + count);
    page[at + atPrefixes + index] = prefixOf(key, 0, key.length, page[at + atSkip] as number);
    page[at + atRecords + index] = handle;
    page[at + atCount] = count + 1;
  }

  #splitLeaf(leaf: Node, index: number, key: Uint8Array, handle: Handle): void {
    const right = this.#newNode();
    const page = this.#page(leaf);
    const at = this.#at(leaf);
    const rightPage = this.#page(right);
    const rightAt = this.#at(right);
    const next = page[at + atNext] as number;
    // Keys that come in order fill their leaves: the last one is left whole.
    const kept = next === 0 && index === leafMax ? leafMax : leafMax >> 1;
    const moved = leafMax - kept;
    for (let i = 0; i < moved; i++) {
      rightPage[rightAt + atPrefixes + i] = page[at + atPrefixes + kept + i] as number;
      rightPage[rightAt + atRecords + i] = page[at + atRecords + kept + i] as number;
    }
    page[at + atCount] = kept;
    rightPage[rightAt + atCount] = moved;
    rightPage[rightAt + atSkip] = page[at + atSkip] as number;
    page[at + atNext] = right;
    rightPage[rightAt + atPrevious] = leaf;
    rightPage[rightAt + atNext] = next;
    if (next !== 0) this.#page(next)[this.#at(next) + atPrevious] = right;
    const goesRight = index > kept || moved === 0;
    if (goesRight) this.#insertInLeaf(right, index - kept, key, handle);
    else this.#insertInLeaf(leaf, index, key, handle);
    const lastLeft = page[at + atRecords + (page[at + atCount] as number) - 1] as number;
    const separator = this.#separatorBetween(lastLeft, rightPage[rightAt + atRecords] as number);
    const low = this.#lows[this.#height] as number;
    const high = this.#highs[this.#height] as number;
    this.#setLeafSkip(leaf, this.#commonPrefix(low, separator));
    this.#setLeafSkip(right, this.#commonPrefix(separator, high));
    this.#insertChild(this.#height - 1, separator, right);
  }

  /** The shortest beginning of the right key that is above the left one. */
  #separatorBetween(left: Handle, right: Handle): Handle {
    const leftKey = this.#records.keyView(left);
    const rightKey = this.#records.keyView(right);
    let length = 0;
    while (length < leftKey.length && leftKey[length] === rightKey[length]) length += 1;
    assert(length < rightKey.length, 'T1: keys ascend within a leaf');
    return this.#records.createSeparator(rightKey.subarray(0, length + 1));
  }

  #setLeafSkip(leaf: Node, skip: number): void {
    const page = this.#page(leaf);
    const at = this.#at(leaf);
    if (page[at + atSkip] === skip) return;
    page[at + atSkip] = skip;
    const count = page[at + atCount] as number;
    for (let i = 0; i < count; i++) {
      const handle = page[at + atRecords + i] as number;
      const bytes = this.#records.slab.bytes[handle >>> arenaShift] as Uint8Array;
      const start = (handle & unitMask) * 8 + 4 + recordHeaderBytes;
      page[at + atPrefixes + i] = prefixOf(bytes, start, this.#records.keyLength(handle), skip);
    }
  }

  /** The leaf reached last has few entries: joins it with a neighbour under the same parent, at `depth` of the path. */
  #mergeLeaf(depth: number): void {
    const parent = this.#path[depth] as number;
    const page = this.#page(parent);
    const at = this.#at(parent);
    const taken = this.#taken[depth] as number;
    const children = page[at + atCount] as number;
    for (const first of [taken, taken - 1]) {
      if (first < 0 || first + 1 >= children) continue;
      const left = page[at + atChildren + first] as number;
      const right = page[at + atChildren + first + 1] as number;
      const leftPage = this.#page(left);
      const leftAt = this.#at(left);
      const rightPage = this.#page(right);
      const rightAt = this.#at(right);
      const leftCount = leftPage[leftAt + atCount] as number;
      const rightCount = rightPage[rightAt + atCount] as number;
      const total = leftCount + rightCount;
      if (total > (leafMax * 3) >> 2 && leftCount > 0 && rightCount > 0) continue; // T3, T4
      const low = first > 0 ? (page[at + atSeparators + first - 1] as number) : (this.#lows[depth] as number);
      const high =
        first + 2 < children ? (page[at + atSeparators + first + 1] as number) : (this.#highs[depth] as number);
      for (let i = 0; i < rightCount; i++) {
        leftPage[leftAt + atRecords + leftCount + i] = rightPage[rightAt + atRecords + i] as number;
      }
      leftPage[leftAt + atCount] = total;
      leftPage[leftAt + atSkip] = 0xffff_ffff; // the prefixes of the two have different skips: count both again
      this.#setLeafSkip(left, this.#commonPrefix(low, high));
      const next = rightPage[rightAt + atNext] as number;
      leftPage[leftAt + atNext] = next;
      if (next !== 0) this.#page(next)[this.#at(next) + atPrevious] = left;
      this.#records.slab.free(page[at + atSeparators + first] as number);
      this.#freeNodeOf(right);
      this.#removeChild(depth, first);
      return;
    }
  }

  // --- inner nodes ------------------------------------------------------------------------------------------------------

  /** Puts `right` behind the child taken at `depth` of the path; above the root grows a new one. */
  #insertChild(depth: number, separator: Handle, right: Node): void {
    if (depth < 0) {
      const root = this.#newNode();
      this.#children[0] = this.#root;
      this.#children[1] = right;
      this.#separators[0] = separator;
      this.#fillInner(root, 0, 2, 0, 0);
      this.#root = root;
      this.#height += 1;
      assert(this.#height < depthMax, 'T3: the tree is not that deep');
      return;
    }
    const node = this.#path[depth] as number;
    const page = this.#page(node);
    const at = this.#at(node);
    const count = page[at + atCount] as number;
    const taken = this.#taken[depth] as number;
    if (count < innerMax) {
      page.copyWithin(at + atChildren + taken + 2, at + atChildren + taken + 1, at + atChildren + count);
      page.copyWithin(at + atSeparators + taken + 1, at + atSeparators + taken, at + atSeparators + count - 1);
      page.copyWithin(at + atPrefixes + taken + 1, at + atPrefixes + taken, at + atPrefixes + count - 1);
      page[at + atChildren + taken + 1] = right;
      page[at + atSeparators + taken] = separator;
      page[at + atPrefixes + taken] = this.#separatorPrefix(separator, page[at + atSkip] as number);
      page[at + atCount] = count + 1;
      return;
    }
    this.#gather(node, 0);
    this.#children.copyWithin(taken + 2, taken + 1, count);
    this.#separators.copyWithin(taken + 1, taken, count - 1);
    this.#children[taken + 1] = right;
    this.#separators[taken] = separator;
    const total = count + 1;
    const low = this.#lows[depth] as number;
    const high = this.#highs[depth] as number;
    // As with leaves: keys that come in order fill their nodes.
    const kept = high === 0 && taken === count - 1 ? total - 2 : total >> 1;
    const middle = this.#separators[kept - 1] as number;
    const sibling = this.#newNode();
    this.#fillInner(sibling, kept, total - kept, middle, high);
    this.#fillInner(node, 0, kept, low, middle);
    this.#insertChild(depth - 1, middle, sibling);
  }

  /** Takes child `first + 1` and the separator before it out of the node at `depth`. */
  #removeChild(depth: number, first: number): void {
    const node = this.#path[depth] as number;
    const page = this.#page(node);
    const at = this.#at(node);
    const count = (page[at + atCount] as number) - 1;
    page.copyWithin(at + atChildren + first + 1, at + atChildren + first + 2, at + atChildren + count + 1);
    page.copyWithin(at + atSeparators + first, at + atSeparators + first + 1, at + atSeparators + count);
    page.copyWithin(at + atPrefixes + first, at + atPrefixes + first + 1, at + atPrefixes + count);
    page[at + atCount] = count;
    if (depth === 0) {
      if (count > 1) return;
      this.#root = page[at + atChildren] as number;
      this.#height -= 1;
      this.#freeNodeOf(node);
      return;
    }
    if (count < innerMax >> 2) this.#evenOut(depth - 1);
  }

  /** The inner node reached below `depth` has few children: joins it with a neighbour, or shares theirs between the two. */
  #evenOut(depth: number): void {
    const parent = this.#path[depth] as number;
    const page = this.#page(parent);
    const at = this.#at(parent);
    const taken = this.#taken[depth] as number;
    const children = page[at + atCount] as number;
    const first = taken + 1 < children ? taken : taken - 1; // T3: a parent has two
    const left = page[at + atChildren + first] as number;
    const right = page[at + atChildren + first + 1] as number;
    const leftCount = this.#page(left)[this.#at(left) + atCount] as number;
    const rightCount = this.#page(right)[this.#at(right) + atCount] as number;
    const total = leftCount + rightCount;
    const low = first > 0 ? (page[at + atSeparators + first - 1] as number) : (this.#lows[depth] as number);
    const high =
      first + 2 < children ? (page[at + atSeparators + first + 1] as number) : (this.#highs[depth] as number);
    this.#gather(left, 0);
    this.#separators[leftCount - 1] = page[at + atSeparators + first] as number;
    this.#gather(right, leftCount);
    if (total <= (innerMax * 3) >> 2) {
      this.#fillInner(left, 0, total, low, high);
      this.#freeNodeOf(right);
      this.#removeChild(depth, first);
      return;
    }
    const kept = total >> 1;
    const middle = this.#separators[kept - 1] as number;
    this.#fillInner(left, 0, kept, low, middle);
    this.#fillInner(right, kept, total - kept, middle, high);
    page[at + atSeparators + first] = middle;
    page[at + atPrefixes + first] = this.#separatorPrefix(middle, page[at + atSkip] as number);
  }

  /** Copies a node's children, and the separators between them, to the side from position `to` on. */
  #gather(node: Node, to: number): void {
    const page = this.#page(node);
    const at = this.#at(node);
    const count = page[at + atCount] as number;
    for (let i = 0; i < count; i++) this.#children[to + i] = page[at + atChildren + i] as number;
    for (let i = 0; i < count - 1; i++) this.#separators[to + i] = page[at + atSeparators + i] as number;
  }

  /** Makes a node of `count` children from position `from` of the side, between the separators `low` and `high`. */
  #fillInner(node: Node, from: number, count: number, low: Handle, high: Handle): void {
    const page = this.#page(node);
    const at = this.#at(node);
    const skip = this.#commonPrefix(low, high);
    page[at + atCount] = count;
    page[at + atSkip] = skip;
    for (let i = 0; i < count; i++) page[at + atChildren + i] = this.#children[from + i] as number;
    for (let i = 0; i < count - 1; i++) {
      const separator = this.#separators[from + i] as number;
      page[at + atSeparators + i] = separator;
      page[at + atPrefixes + i] = this.#separatorPrefix(separator, skip);
    }
  }

  #separatorPrefix(separator: Handle, skip: number): number {
    const bytes = this.#records.slab.bytes[separator >>> arenaShift] as Uint8Array;
    const start = (separator & unitMask) * 8 + 4 + separatorHeaderBytes;
    return prefixOf(bytes, start, this.#records.keyLength(separator), skip);
  }

  /** How many bytes two separators have in common at their beginnings; 0 when one is missing. (T2) */
  #commonPrefix(low: Handle, high: Handle): number {
    if (low === 0 || high === 0) return 0;
    const a = this.#records.slab.bytes[low >>> arenaShift] as Uint8Array;
    const b = this.#records.slab.bytes[high >>> arenaShift] as Uint8Array;
    const startA = (low & unitMask) * 8 + 4 + separatorHeaderBytes;
    const startB = (high & unitMask) * 8 + 4 + separatorHeaderBytes;
    const most = Math.min(this.#records.keyLength(low), this.#records.keyLength(high));
    let length = 0;
    while (length < most && a[startA + length] === b[startB + length]) length += 1;
    return length;
  }

  // --- nodes ------------------------------------------------------------------------------------------------------------

  #page(node: Node): Uint32Array {
    return this.#pages[node >>> 6] as Uint32Array;
  }

  #at(node: Node): number {
    return (node & 63) << 8;
  }

  #newNode(): Node {
    this.#liveNodes += 1;
    let node = this.#freeNode;
    if (node === 0) {
      node = this.#nodeCount++;
      if (node >>> 6 === this.#pages.length) this.#pages.push(new Uint32Array(pageNodes * nodeWords));
      return node;
    }
    const page = this.#page(node);
    const at = this.#at(node);
    this.#freeNode = page[at + atNext] as number;
    page.fill(0, at, at + atPrefixes);
    return node;
  }

  /** Nodes are reused, their pages are kept. */
  #freeNodeOf(node: Node): void {
    this.#liveNodes -= 1;
    this.#page(node)[this.#at(node) + atNext] = this.#freeNode;
    this.#freeNode = node;
  }
}

/** Four bytes of a key from `skip` on as a number that compares like them; zeros beyond its end. */
function prefixOf(bytes: Uint8Array, start: number, length: number, skip: number): number {
  const at = start + skip;
  const left = length - skip;
  if (left >= 4) {
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    );
  }
  let prefix = 0;
  for (let i = 0; i < 4; i++) prefix = (prefix << 8) | (i < left ? (bytes[at + i] as number) : 0);
  return prefix >>> 0;
}

/** Compares `length` bytes at `start` with the key; both are known to agree in their first `from` bytes. */
function compareFrom(bytes: Uint8Array, start: number, length: number, key: Uint8Array, from: number): number {
  const most = Math.min(length, key.length);
  for (let i = from; i < most; i++) {
    const difference = (bytes[start + i] as number) - (key[i] as number);
    if (difference !== 0) return difference;
  }
  return length - key.length;
}
