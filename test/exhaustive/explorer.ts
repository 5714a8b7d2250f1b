// Explicit-state search, breadth first
// =============================================================================
//
// Visits every state that a model can reach, level by level, so that the first violation found is one with the fewest steps. A state is a
// short row of whole numbers; of those that were left behind only a 64-bit fingerprint stays, and by which action from where it was reached.
//
// Invariants
//   X3. A state is expanded once. Two states of one fingerprint would be taken for one: with n states the chance is n² / 2⁶⁵, 10⁻⁵ for 20 million.
//   X4. A search that stops at a limit says that it is not complete.
//
// Sources: Holzmann, "The SPIN model checker" (hash compaction); TLC's fingerprint set.

export interface Model {
  readonly name: string;
  initial(): readonly number[];
  /** Gives every transition out of `state`. `next` is read before the visitor returns; undefined with `broken` for one that no state follows. */
  expand(
    state: readonly number[],
    visit: (action: number, next: readonly number[] | undefined, broken?: string) => void,
  ): void;
  /** What must not be true of a state; undefined when all is well. */
  violation(state: readonly number[]): string | undefined;
  describe(action: number): string;
}

export interface SearchLimits {
  readonly stateCountMax: number;
}

export interface SearchResult {
  readonly name: string;
  readonly states: number;
  readonly transitions: number;
  /** Actions on the longest shortest path. */
  readonly depth: number;
  /** Every reachable state was visited. */
  readonly complete: boolean;
  readonly counterexample: Counterexample | undefined;
  readonly cpuMs: number;
}

export interface Counterexample {
  readonly violation: string;
  readonly actions: readonly string[];
}

export function explore(model: Model, limits: SearchLimits): SearchResult {
  const began = process.cpuUsage();
  const seen = new FingerprintSet();
  const cameFrom = new IntList();
  const cameBy = new IntList();
  let frontier = new IntList();
  let next = new IntList();
  let states = 0;
  let transitions = 0;
  let depth = 0;
  const end: { counterexample: Counterexample | undefined; stopped: boolean } = {
    counterexample: undefined,
    stopped: false,
  };

  const pathTo = (index: number): string[] => {
    const actions: string[] = [];
    for (let at = index; at > 0; at = cameFrom.at(at)) actions.push(model.describe(cameBy.at(at)));
    return actions.reverse();
  };
  const add = (state: readonly number[], from: number, action: number): void => {
    if (!seen.add(state)) return; // X3
    const index = states++;
    cameFrom.push(from);
    cameBy.push(action);
    const violation = model.violation(state);
    if (violation !== undefined) {
      end.counterexample ??= { violation, actions: pathTo(index) };
      return;
    }
    if (states >= limits.stateCountMax) end.stopped = true; // X4
    next.push(index);
    next.push(state.length);
    for (const number of state) next.push(number);
  };

  add(model.initial(), 0, 0);
  const state: number[] = [];
  while (next.length > 0 && end.counterexample === undefined && !end.stopped) {
    [frontier, next] = [next, frontier];
    next.clear();
    depth++;
    for (let at = 0; at < frontier.length && end.counterexample === undefined && !end.stopped; ) {
      const from = frontier.at(at++);
      const length = frontier.at(at++);
      state.length = length;
      for (let i = 0; i < length; i++) state[i] = frontier.at(at++);
      model.expand(state, (action, after, broken) => {
        transitions++;
        if (after !== undefined) add(after, from, action);
        else end.counterexample ??= { violation: broken ?? '', actions: [...pathTo(from), model.describe(action)] };
      });
    }
  }
  const used = process.cpuUsage(began);
  const cpuMs = (used.user + used.system) / 1000;
  const complete = !end.stopped && end.counterexample === undefined;
  const { counterexample } = end;
  return { name: model.name, states, transitions, depth: depth - 1, complete, counterexample, cpuMs };
}

/** What a person reads. */
export function report(result: SearchResult): string {
  const { name, states, transitions, depth, complete, counterexample, cpuMs } = result;
  const rate = Math.round(states / Math.max(1, cpuMs));
  const head = `${name}: ${states} states, ${transitions} transitions, depth ${depth}, ${complete ? 'all' : 'not all'}; ${rate}k states/s`;
  if (counterexample === undefined) return head;
  return [head, counterexample.violation, ...counterexample.actions.map((action, i) => `${i + 1}. ${action}`)].join(
    '\n',
  );
}

class IntList {
  #numbers = new Int32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  at(index: number): number {
    return this.#numbers[index] as number;
  }

  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const grown = new Int32Array(this.#length * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.#length++] = number;
  }

  clear(): void {
    this.#length = 0;
  }
}

/** Open addressing over pairs of 32-bit words; (0, 0) is empty. */
class FingerprintSet {
  #words = new Uint32Array(2 * 4096);
  #size = 0;

  /** @returns whether it was new. */
  add(state: readonly number[]): boolean {
    let high = 0x9e3779b9;
    let low = 0x85ebca6b ^ state.length;
    for (const number of state) {
      high = Math.imul(high ^ number, 0xcc9e2d51);
      high = (high << 13) | (high >>> 19);
      low = Math.imul(low ^ (number + 0x7f4a7c15), 0x1b873593);
      low ^= low >>> 15;
      low = (low + high) | 0;
    }
    high = mixed(high ^ low);
    low = mixed(low + 0x165667b1) | 1; // never (0, 0)
    if (this.#size * 4 > this.#words.length) this.#grow();
    if (!place(this.#words, high >>> 0, low >>> 0)) return false;
    this.#size++;
    return true;
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      const low = old[at + 1] as number;
      if (low !== 0) place(this.#words, old[at] as number, low);
    }
  }
}

function mixed(word: number): number {
  let mix = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  mix = Math.imul(mix ^ (mix >>> 15), 0x735a2d97);
  return mix ^ (mix >>> 15);
}

function place(words: Uint32Array, high: number, low: number): boolean {
  const mask = words.length / 2 - 1;
  for (let slot = high & mask; ; slot = (slot + 1) & mask) {
    if (words[slot * 2 + 1] === 0) {
      words[slot * 2] = high;
      words[slot * 2 + 1] = low;
      return true;
    }
    if (words[slot * 2] === high && words[slot * 2 + 1] === low) return false;
  }
}
