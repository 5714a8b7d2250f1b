// Which operation comes next, and on which key
// =============================================================================
//
// Drawn ahead into typed arrays and then walked through, so that choosing costs next to nothing while the clock runs, and every peer is asked the same
// things in the same order. Zipf's law is scrambled, as in YCSB: the hot keys are spread over the whole range.
//
// Inserts put keys that are not there yet, one after the other. What may be read (`latest`, scans) ends where an insert is not answered yet.

import { keyChooser } from '../../cli/load/key-chooser.js';
import { type Random, seededRandom } from '../../runtime/std/random.js';
import type { Choice, Mix } from './scenario.js';

export const operations = ['get', 'put', 'insert', 'scan', 'modify'] as const;
export type Operation = (typeof operations)[number];

/** Prime, so that operations and keys do not fall into step. */
const kindsDrawn = 65_537;
const keysDrawn = 1 << 18;
/** YCSB: between 1 and 100 items, each as likely. */
const scanMax = 100;

export class OperationFeed {
  readonly #kinds: Uint8Array;
  readonly #keys: Uint32Array;
  readonly #isLatest: boolean;
  readonly #early = new Set<number>();
  #at = 0;
  #inserted: number;
  #readable: number;
  /** Of the operation that was taken last. */
  key = 0;

  /**
   * @param present keys that are there, among which is chosen
   * @param firstFree where inserts begin: earlier ones may have gone beyond `present`
   */
  constructor(mix: Mix, choice: Choice, present: number, firstFree: number, seed: string) {
    const random = seededRandom(`bench feed ${seed}`);
    this.#kinds = drawKinds(mix, random.split('kinds'));
    this.#keys = drawKeys(choice, present, random.split('keys'));
    this.#isLatest = choice === 'latest';
    this.#inserted = firstFree;
    this.#readable = firstFree;
  }

  /** The next operation, an index into `operations`; its key is in `key`. */
  take(): number {
    const at = this.#at++;
    const kind = this.#kinds[at % kindsDrawn] as number;
    if (operations[kind] === 'insert') {
      this.key = this.#inserted++;
      return kind;
    }
    const drawn = this.#keys[at & (keysDrawn - 1)] as number;
    this.key = this.#isLatest ? this.#readable - 1 - drawn : drawn;
    return kind;
  }

  /** Items to scan from `key` on; never beyond what is there. */
  scanLength(): number {
    const wanted = 1 + ((this.#keys[(this.#at * 31) & (keysDrawn - 1)] as number) % scanMax);
    return Math.min(wanted, this.#readable - this.key);
  }

  /** An insert was answered. */
  inserted(key: number): void {
    this.#early.add(key);
    while (this.#early.delete(this.#readable)) this.#readable++;
  }

  /** Where the next feed's inserts begin. */
  get firstFree(): number {
    return this.#inserted;
  }
}

function drawKinds(mix: Mix, random: Random): Uint8Array {
  const kinds = new Uint8Array(kindsDrawn);
  for (let i = 0; i < kindsDrawn; i++) {
    let ticket = random.below(100);
    let kind = 0;
    for (; kind < operations.length - 1; kind++) {
      ticket -= mix[operations[kind] as Operation];
      if (ticket < 0) break;
    }
    kinds[i] = kind;
  }
  return kinds;
}

/** Indexes in [0, count); of `latest` the distance from the newest. */
function drawKeys(choice: Choice, count: number, random: Random): Uint32Array {
  const choose = keyChooser(choice === 'uniform' ? 'uniform' : 'zipf', count);
  const scramble = choice === 'zipf' ? permutation(count, random.split('scramble')) : undefined;
  const keys = new Uint32Array(keysDrawn);
  for (let i = 0; i < keysDrawn; i++) {
    const rank = choose(random);
    keys[i] = scramble === undefined ? rank : (scramble[rank] as number);
  }
  return keys;
}

function permutation(count: number, random: Random): Uint32Array {
  const order = new Uint32Array(count).map((_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const moved = order[i] as number;
    order[i] = order[j] as number;
    order[j] = moved;
  }
  return order;
}
