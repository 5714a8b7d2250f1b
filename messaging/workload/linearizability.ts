// Is a history of one object linearizable?
// =============================================================================
//
// Wing and Gong's search with Lowe's memory of visited configurations: take calls and returns in order, try to let an operation take effect
// whose call lies before the first return that is still ahead, remember (operations that took effect, state), go back when stuck.
// Exponential only in how many operations overlap, so judge each key alone (linearizability is local).
//
// An operation of unknown outcome has no return: it may take effect at any time after its call, or never.
//
// Sources: Wing and Gong 1993; Lowe, "Testing for linearizability", 2017; Athalye's description of porcupine. Own code.

import { assert } from '../../runtime/std/assert.js';

export interface Model<State, Input, Output> {
  readonly initial: State;
  /**
   * The state after the operation took effect, or undefined when it cannot have given `output` in this state. Without an output every
   * operation has an effect, though it may be none.
   */
  step(state: State, input: Input, output: Output | undefined): { readonly state: State } | undefined;
  /** Equal for equal states, and only for those. */
  identity(state: State): string;
}

export interface Call<Input, Output> {
  readonly input: Input;
  /** Undefined: nobody knows. */
  readonly output: Output | undefined;
  readonly calledAt: number;
  /** Infinity for an unknown outcome. */
  readonly returnedAt: number;
}

export type Linearizability =
  | { readonly kind: 'linearizable'; readonly steps: number }
  /** `longest`: indexes of the operations in the longest order that could be found; `stuckAt`: the operation whose return it could not pass. */
  | {
      readonly kind: 'violation';
      readonly longest: readonly number[];
      readonly stuckAt: number;
      readonly steps: number;
    }
  /** The budget was used up. */
  | { readonly kind: 'inconclusive'; readonly steps: number };

/** An event in the doubly linked list: a call (`match` is its return, if there is one) or a return. */
interface Node {
  readonly call: number;
  readonly isReturn: boolean;
  match: Node | undefined;
  previous: Node | undefined;
  next: Node | undefined;
}

/** @param stepsMax how many operations are tried before giving up */
export function checkLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  calls: readonly Call<Input, Output>[],
  stepsMax = 100_000,
): Linearizability {
  const head = linkEvents(calls);
  const taken = new Uint32Array(Math.max(1, Math.ceil(calls.length / 32)));
  const visited = new Set<string>();
  const order: { readonly node: Node; readonly before: State }[] = [];
  let longest: number[] = [];
  let stuckAt = -1;
  let state = model.initial;
  let toReturn = calls.filter((call) => Number.isFinite(call.returnedAt)).length;
  let steps = 0;
  let node = head.next;
  while (toReturn > 0) {
    if (node !== undefined && !node.isReturn) {
      const call = calls[node.call] as Call<Input, Output>;
      if (++steps > stepsMax) return { kind: 'inconclusive', steps };
      const after = model.step(state, call.input, call.output);
      let isNew = false;
      if (after !== undefined) {
        setBit(taken, node.call);
        const configuration = `${taken.join(',')}/${model.identity(after.state)}`;
        isNew = !visited.has(configuration);
        if (isNew) visited.add(configuration);
        else clearBit(taken, node.call);
      }
      if (isNew) {
        order.push({ node, before: state });
        state = (after as { readonly state: State }).state;
        if (node.match !== undefined) toReturn--;
        lift(node);
        node = head.next;
      } else node = node.next;
      continue;
    }
    // A return that is ahead of everything which could still take effect, or the end of the list.
    if (order.length >= longest.length && node !== undefined) {
      longest = order.map((step) => step.node.call);
      stuckAt = node.call;
    }
    const last = order.pop();
    if (last === undefined) return { kind: 'violation', longest, stuckAt, steps };
    state = last.before;
    clearBit(taken, last.node.call);
    if (last.node.match !== undefined) toReturn++;
    unlift(last.node);
    node = last.node.next;
  }
  return { kind: 'linearizable', steps };
}

function linkEvents<Input, Output>(calls: readonly Call<Input, Output>[]): Node {
  const events: { readonly at: number; readonly node: Node }[] = [];
  calls.forEach((call, index) => {
    assert(call.calledAt <= call.returnedAt, 'an operation returns after its call');
    const node: Node = { call: index, isReturn: false, match: undefined, previous: undefined, next: undefined };
    events.push({ at: call.calledAt, node });
    if (!Number.isFinite(call.returnedAt)) return;
    const back: Node = { call: index, isReturn: true, match: node, previous: undefined, next: undefined };
    node.match = back;
    events.push({ at: call.returnedAt, node: back });
  });
  // At one moment calls come before returns: overlapping is the weaker claim.
  events.sort((a, b) => a.at - b.at || Number(a.node.isReturn) - Number(b.node.isReturn) || a.node.call - b.node.call);
  const head: Node = { call: -1, isReturn: false, match: undefined, previous: undefined, next: undefined };
  let last = head;
  for (const { node } of events) {
    last.next = node;
    node.previous = last;
    last = node;
  }
  return head;
}

/** Takes an operation's events out of the list. */
function lift(node: Node): void {
  unlink(node);
  if (node.match !== undefined) unlink(node.match);
}

/** Puts them back, in the opposite order. */
function unlift(node: Node): void {
  if (node.match !== undefined) relink(node.match);
  relink(node);
}

function unlink(node: Node): void {
  if (node.previous !== undefined) node.previous.next = node.next;
  if (node.next !== undefined) node.next.previous = node.previous;
}

function relink(node: Node): void {
  if (node.previous !== undefined) node.previous.next = node;
  if (node.next !== undefined) node.next.previous = node;
}

function setBit(bits: Uint32Array, index: number): void {
  bits[index >> 5] = ((bits[index >> 5] as number) | (1 << (index & 31))) >>> 0;
}

function clearBit(bits: Uint32Array, index: number): void {
  bits[index >> 5] = ((bits[index >> 5] as number) & ~(1 << (index & 31))) >>> 0;
}
