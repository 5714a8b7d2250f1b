// What a type of fault is
// =============================================================================
//
// A fault is data: `choose` looks at the cluster, draws, and gives arguments in which everything is resolved (which hosts, how slow, for
// how long); `apply` does what the arguments say and draws nothing. So an episode can be printed, kept, left out or applied again.
//
// Invariants
//   B1. `apply` depends on the cluster and its arguments only. What needs chance within an episode gets a seed in its arguments.
//   B2. Arguments are plain JSON of the declared shape; names of hosts that the cluster does not have make an episode impossible, not wrong.

import type { Random } from '../../std/random.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { SimulatedHost } from '../simulated-host.js';
import type { FaultBudget } from './fault-budget.js';

/** A `node` is a host or a client (`@id`); a `host` is no client. */
export type ArgumentType = 'host' | 'hosts' | 'node' | 'nodes' | 'number' | 'text' | 'flag';
export type ArgumentShape = Readonly<Record<string, ArgumentType>>;

export type FaultArgument = string | number | boolean | readonly string[];
export type FaultArguments = Readonly<Record<string, FaultArgument>>;

type ArgumentOf<T extends ArgumentType> = T extends 'hosts' | 'nodes'
  ? readonly string[]
  : T extends 'number'
    ? number
    : T extends 'flag'
      ? boolean
      : string;

export type ArgumentsOf<S extends ArgumentShape> = { readonly [Name in keyof S]: ArgumentOf<S[Name]> };

/** Ends an episode. */
export type Undo = () => void;

/** What a fault that ends by itself gives. */
export const endsByItself: Undo = () => undefined;

/** What `choose` may look at. */
export interface Choice {
  readonly cluster: SimulatedCluster;
  /** The kind's own stream. */
  readonly random: Random;
  /** How long the episode will last. */
  readonly lastsMs: number;
  readonly budget: FaultBudget;
}

/** What `apply` may use besides its arguments. */
export interface Strike {
  readonly cluster: SimulatedCluster;
  readonly lastsMs: number;
  readonly budget: FaultBudget;
  /** The fault has changed what happens: a frame was lost, a host died, a read gave other bytes. Counted by kind. */
  readonly effect: () => void;
  /** Does something later, unless the episode is over by then. */
  readonly after: (delayMs: number, action: () => void) => void;
  /** The host, unless it is not there or has been healed for good (`FaultInjector.freeze`). */
  readonly target: (name: string) => SimulatedHost | undefined;
}

/**
 * What a run must be like for a kind to make sense there:
 * `confirm`: no table reads by lease; `disk`: the production journal on simulated disks; `roles`: the cluster says who plays which role.
 */
export type FaultNeed = 'confirm' | 'disk' | 'roles';

export interface FaultType<S extends ArgumentShape = ArgumentShape> {
  /** In the catalogue of CORRECTNESS §3.2; several kinds may share one. */
  readonly id: string;
  /** One line for people. */
  readonly about: string;
  readonly shape: S;
  /**
   * The host that it strikes may have lost what it had acknowledged: `detected` when its own recovery notices (a checksum, a failed sync,
   * an empty directory), `silent` when nothing on the host can tell. Such kinds strike only hosts that the budget names (`FaultBudget`).
   */
  readonly loses?: 'detected' | 'silent';
  readonly needs?: readonly FaultNeed[];
  /** Undefined when it is not possible just now. */
  choose(choice: Choice): ArgumentsOf<S> | undefined;
  /** @returns what ends it; undefined when it is not possible just now, and then nothing was done. */
  apply(strike: Strike, args: ArgumentsOf<S>): Undo | undefined;
  /** What lasts only for a time makes itself permanent, when `FaultInjector.freeze` comes while it is in force; `lastsMs` is for ever. */
  frozen?(strike: Strike, args: ArgumentsOf<S>): void;
}

/** Checks an entry of the catalogue and forgets its shape. */
export function fault<const S extends ArgumentShape>(type: FaultType<S>): FaultType {
  return type;
}

/** Hosts and clients. */
export function nodeNames(cluster: SimulatedCluster): string[] {
  return [...cluster.hosts, ...cluster.clients].map((node) => node.name);
}

/** Whether there are such nodes, and all different. */
export function knows(cluster: SimulatedCluster, ...names: readonly string[]): boolean {
  return new Set(names).size === names.length && names.every((name) => cluster.node(name) !== undefined);
}

export function livingHosts(cluster: SimulatedCluster): readonly SimulatedHost[] {
  return cluster.hosts.filter((host) => host.up);
}

/** A random order. */
export function shuffled<T>(list: readonly T[], random: Random): T[] {
  const all = [...list];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j] as T, all[i] as T];
  }
  return all;
}
