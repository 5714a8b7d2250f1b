// The keys of a run and the value of each
// =============================================================================
//
// Every key has one value for the whole run: its own name, then random text up to the size. So every answer can be held against what must be there, whatever
// order reads and writes take, and nothing has to be made while the clock runs. Text of base64's letters, so that no store gains by compressing it and every
// peer carries the same bytes.

import { seededRandom } from '../../runtime/std/random.js';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const nameLength = 16;
/** Random texts that values take turns to end with. */
const tailCount = 61;

export class KeySpace {
  readonly valueBytes: number;
  /** Present before anything is measured. */
  readonly count: number;
  readonly #prefix: string;
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  readonly #tails: readonly Buffer[];

  constructor(valueBytes: number, count: number) {
    if (valueBytes < nameLength) throw new RangeError(`a value has at least ${nameLength} bytes`);
    this.valueBytes = valueBytes;
    this.count = count;
    this.#prefix = `v${valueBytes}-`;
    const random = seededRandom(`bench values ${valueBytes}`);
    this.#tails = Array.from({ length: tailCount }, () => randomText(valueBytes - nameLength, () => random.u32()));
    for (let i = 0; i < count; i++) this.#make(i);
  }

  /** 16 ASCII characters; names sort as their numbers do. */
  name(key: number): string {
    return this.#names[key] ?? this.#make(key);
  }

  value(key: number): string {
    if (key >= this.#values.length) this.#make(key);
    return this.#values[key] as string;
  }

  #make(key: number): string {
    for (let i = this.#names.length; i <= key; i++) {
      const name = this.#prefix + String(i).padStart(nameLength - this.#prefix.length, '0');
      this.#names.push(name);
      // One flat string: one of two halves would be joined while the clock runs.
      const tail = this.#tails[i % tailCount] as Buffer;
      this.#values.push(Buffer.concat([Buffer.from(name), tail]).toString('latin1'));
    }
    return this.#names[key] as string;
  }

  /** Forgets what was inserted beyond `count`: the next peer begins as this one did. */
  trim(): void {
    this.#names.length = this.count;
    this.#values.length = this.count;
  }
}

function randomText(bytes: number, u32: () => number): Buffer {
  const text = Buffer.allocUnsafe(bytes);
  for (let i = 0; i < bytes; i++) text[i] = letters.charCodeAt(u32() & 63);
  return text;
}
