// States of single nodes, each named by a number
// =============================================================================
//
// A node of a model (a Raft peer with its disk, a replica, a controller) is a deterministic function of its state and an event. Its states are few,
// those of the whole model many: so each is kept once, under a number, and what an event does to it is found out once, by running the
// production code on a copy. A state of the model is a row of such numbers.
//
// Sources: Guerraoui and Yabandeh, "Model checking a networked system without the network" (NSDI 2011), for local states.

import type { ObjectGraph } from './object-graph.js';

/** What an event did to a node. `broken`: an assertion of the code under search failed. */
export interface Reaction {
  readonly next: number;
  /** Numbers of the messages sent, in order. */
  readonly sent: readonly number[];
  /** Number of what is to be remembered of it; 0 for nothing. */
  readonly facts: number;
  readonly broken: string | undefined;
}

/** Numbers for values that are compared by their text. 0 stays free. */
export class Numbered<T> {
  readonly #graph: ObjectGraph;
  readonly #numbers = new Map<string, number>();
  readonly #values: (T | undefined)[] = [undefined];

  constructor(graph: ObjectGraph) {
    this.#graph = graph;
  }

  get count(): number {
    return this.#numbers.size;
  }

  numberOf(value: T): number {
    const text = this.#graph.text(value);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#values.length;
    this.#numbers.set(text, number);
    this.#values.push(value);
    return number;
  }

  valueOf(number: number): T {
    return this.#values[number] as T;
  }
}

export class LocalStates<Node> {
  readonly #graph: ObjectGraph;
  readonly #nodes: Numbered<Node>;
  readonly #rebind: (copy: Node) => void;
  /** By node, then event. */
  readonly #reactions: Map<number, Reaction>[] = [];

  /** @param rebind puts right the functions of a copy. */
  constructor(graph: ObjectGraph, rebind: (copy: Node) => void = () => undefined) {
    this.#graph = graph;
    this.#nodes = new Numbered(graph);
    this.#rebind = rebind;
  }

  get count(): number {
    return this.#nodes.count;
  }

  /** Gives up `node` to the collection: it is never changed again. */
  numberOf(node: Node): number {
    return this.#nodes.numberOf(node);
  }

  /** To be looked at only. */
  node(number: number): Node {
    return this.#nodes.valueOf(number);
  }

  /** @param event a number that says all that `run` depends on besides the node. */
  react(
    number: number,
    event: number,
    run: (node: Node) => { readonly sent: readonly number[]; readonly facts: number },
  ): Reaction {
    const reactions = (this.#reactions[number] ??= new Map<number, Reaction>());
    const known = reactions.get(event);
    if (known !== undefined) return known;
    const reaction = this.#run(number, run);
    reactions.set(event, reaction);
    return reaction;
  }

  #run(number: number, run: (node: Node) => { readonly sent: readonly number[]; readonly facts: number }): Reaction {
    const copy = this.#graph.copy(this.#nodes.valueOf(number));
    this.#rebind(copy);
    try {
      const { sent, facts } = run(copy);
      return { next: this.#nodes.numberOf(copy), sent, facts, broken: undefined };
    } catch (error) {
      if ((error as Error).name !== 'AssertionError') throw error;
      return { next: number, sent: [], facts: 0, broken: (error as Error).message };
    }
  }
}
