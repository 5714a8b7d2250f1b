// A first-in first-out queue whose push and shift are constant time
// =============================================================================
//
// An array's `shift` copies; this one moves a head index over a ring that doubles when it is full. Not bounded by
// itself: who owns it checks `size` against its own maximum and says what happens then.

function slots(count: number): undefined[] {
  return Array.from({ length: count }, () => undefined);
}

export class Queue<T> {
  #ring: (T | undefined)[] = slots(16);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = item;
    this.#size++;
  }

  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head];
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#size--;
    return item;
  }

  /** The element at `index` from the front, without taking it. */
  at(index: number): T | undefined {
    return index < 0 || index >= this.#size ? undefined : this.#ring[(this.#head + index) & (this.#ring.length - 1)];
  }

  clear(): void {
    this.#ring = slots(16);
    this.#head = 0;
    this.#size = 0;
  }

  #grow(): void {
    const old = this.#ring;
    const ring: (T | undefined)[] = slots(old.length * 2);
    for (let i = 0; i < this.#size; i++) ring[i] = old[(this.#head + i) & (old.length - 1)];
    this.#ring = ring;
    this.#head = 0;
  }
}
