// Faults of the network between hosts and clients
// =============================================================================
//
// What cuts nodes off from each other, for how long and in which shape; what garbles and delays is in way-faults.ts.
//
// Sources: CORRECTNESS §3.2 N5–N9, N14; Jepsen's partition nemeses (bridge, ring); FoundationDB's swizzle.

import type { Random } from '../../std/random.js';
import { seededRandom } from '../../std/random.js';
import type { Heal } from '../network-cuts.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { endsByItself, fault, knows, nodeNames, shuffled, type Undo } from './fault-type.js';

const sides = { left: 'nodes', right: 'nodes' } as const;

function known(cluster: SimulatedCluster, names: readonly string[]): string[] {
  const all = nodeNames(cluster);
  return names.filter((name) => all.includes(name));
}

/** @returns undefined when there is nobody on one of the sides. */
function parted(cluster: SimulatedCluster, ...groups: readonly (readonly string[])[]): Undo | undefined {
  const living = groups.map((group) => known(cluster, group)).filter((group) => group.length > 0);
  return living.length < 2 ? undefined : cluster.network.partition(...living);
}

/** Two different nodes; undefined when there is only one. */
export function twoNodes(cluster: SimulatedCluster, random: Random): { from: string; to: string } | undefined {
  const [from, to] = shuffled(nodeNames(cluster), random);
  return from === undefined || to === undefined ? undefined : { from, to };
}

function all(heals: readonly Heal[]): Undo {
  return () => {
    for (const heal of heals) heal();
  };
}

export const networkFaults = {
  partition: fault({
    id: 'N5',
    about: 'all nodes in two groups, by tossing coins; neither hears the other',
    shape: sides,
    choose: ({ cluster, random }) => {
      const names = nodeNames(cluster);
      const left = names.filter(() => random.chance(0.5));
      return { left, right: names.filter((name) => !left.includes(name)) };
    },
    apply: ({ cluster, effect }, { left, right }) => effectOf(parted(cluster, left, right), effect),
  }),

  'partition-majority': fault({
    id: 'N5',
    about: 'a majority of the hosts and the rest of them, each with some of the clients, do not hear each other',
    shape: sides,
    choose: ({ cluster, random }) => {
      const hosts = shuffled(
        cluster.hosts.map((host) => host.name),
        random,
      );
      const majority = Math.floor(hosts.length / 2) + 1;
      const clients = cluster.clients.map((client) => client.name);
      const left = [...hosts.slice(0, majority), ...clients.filter(() => random.chance(0.5))];
      return { left, right: nodeNames(cluster).filter((name) => !left.includes(name)) };
    },
    apply: ({ cluster, effect }, { left, right }) => effectOf(parted(cluster, left, right), effect),
  }),

  'partition-ring': fault({
    id: 'N5',
    about: 'every host hears only its two neighbours in a random ring, so that each sees another majority',
    shape: { ring: 'hosts' },
    choose: ({ cluster, random }) => {
      const ring = shuffled(
        cluster.hosts.map((host) => host.name),
        random,
      );
      return ring.length < 4 ? undefined : { ring }; // of three each is everybody's neighbour
    },
    apply: ({ cluster, effect }, { ring }) => {
      const hosts = known(cluster, ring);
      if (hosts.length < 4) return undefined;
      effect();
      const heals = hosts.map((host, i) => {
        const near = [host, hosts[(i + 1) % hosts.length], hosts.at(i - 1)];
        return cluster.network.cutOneWay(
          [host],
          hosts.filter((other) => !near.includes(other)),
        );
      });
      return all(heals);
    },
  }),

  'partition-bridge': fault({
    id: 'N5',
    about: 'two groups of hosts do not hear each other, but one host between them hears both',
    shape: { ...sides, bridge: 'host' },
    choose: ({ cluster, random }) => {
      const [bridge, ...others] = shuffled(
        cluster.hosts.map((host) => host.name),
        random,
      );
      if (bridge === undefined || others.length < 2) return undefined;
      const middle = Math.floor(others.length / 2);
      return { left: others.slice(0, middle), right: others.slice(middle), bridge };
    },
    apply: ({ cluster, effect }, { left, right }) => effectOf(parted(cluster, left, right), effect),
  }),

  isolate: fault({
    id: 'N5',
    about: 'one node hears nobody, and nobody hears it',
    shape: { node: 'node' },
    choose: ({ cluster, random }) => ({ node: random.pick(nodeNames(cluster)) }),
    apply: ({ cluster, effect }, { node }) =>
      knows(cluster, node) ? effectOf(cluster.network.isolate(node), effect) : undefined,
  }),

  'one-way': fault({
    id: 'N6',
    about: 'one node is not heard by one other, which it hears',
    shape: { from: 'node', to: 'node' },
    choose: ({ cluster, random }) => twoNodes(cluster, random),
    apply: ({ cluster, effect }, { from, to }) =>
      knows(cluster, from, to) ? effectOf(cluster.network.cutOneWay([from], [to]), effect) : undefined,
  }),

  'partial-mesh': fault({
    id: 'N7',
    about: 'two hosts do not hear each other, all others hear both',
    shape: { one: 'host', other: 'host' },
    choose: ({ cluster, random }) => {
      const [one, other] = shuffled(
        cluster.hosts.map((host) => host.name),
        random,
      );
      return one === undefined || other === undefined ? undefined : { one, other };
    },
    apply: ({ cluster, effect }, { one, other }) =>
      knows(cluster, one, other) ? effectOf(parted(cluster, [one], [other]), effect) : undefined,
  }),

  clog: fault({
    id: 'N8',
    about: 'the way from one node to another holds everything back, and then lets go of it at once',
    shape: { from: 'node', to: 'node' },
    choose: ({ cluster, random }) => twoNodes(cluster, random),
    apply: ({ cluster, lastsMs, effect }, { from, to }) => {
      if (!knows(cluster, from, to)) return undefined;
      effect();
      cluster.network.clog(from, to, lastsMs);
      return endsByItself;
    },
    // What is held back for ever is lost.
    frozen: ({ cluster }, { from, to }) => void cluster.network.cutOneWay([from], [to]),
  }),

  'swizzle-clog': fault({
    id: 'N9',
    about: 'some hosts are cut off one after the other, and let in again in another order',
    shape: { hosts: 'hosts', seed: 'number' },
    choose: ({ cluster, random }) => {
      const names = cluster.hosts.map((host) => host.name);
      const count = 1 + random.below(names.length);
      return { hosts: shuffled(names, random).slice(0, count), seed: random.u32() };
    },
    apply: ({ cluster, lastsMs, effect, after, target }, { hosts, seed }) => {
      const names = known(cluster, hosts);
      if (names.length === 0) return undefined;
      const random = seededRandom(seed);
      const heals: Heal[] = [];
      for (const name of names) {
        const beginMs = random.fraction() * 0.5 * lastsMs;
        const endMs = (0.5 + 0.5 * random.fraction()) * lastsMs;
        after(beginMs, () => {
          if (target(name) === undefined) return;
          effect();
          const heal = cluster.network.isolate(name);
          heals.push(heal);
          after(endMs - beginMs, heal);
        });
      }
      return () => all(heals)();
    },
  }),

  'link-flap': fault({
    id: 'N14',
    about: 'two nodes lose and find each other 1 to 10 times a second',
    shape: { one: 'node', other: 'node', everyMs: 'number' },
    choose: ({ cluster, random }) => {
      const two = twoNodes(cluster, random);
      return two && { one: two.from, other: two.to, everyMs: 100 + random.below(901) };
    },
    apply: ({ cluster, effect, after }, { one, other, everyMs }) => {
      if (!knows(cluster, one, other) || everyMs < 1) return undefined;
      let heal: Heal | undefined;
      const flap = (): void => {
        if (heal === undefined) {
          effect();
          heal = cluster.network.partition([one], [other]);
        } else {
          heal();
          heal = undefined;
        }
        after(everyMs / 2, flap);
      };
      flap();
      return () => heal?.();
    },
  }),

  'drop-kind': fault({
    id: 'N15',
    about:
      'all messages of the kind that passes next from one node to another are lost, as when only acknowledgements get lost',
    shape: { from: 'node', to: 'node' },
    choose: ({ cluster, random }) => twoNodes(cluster, random),
    apply: ({ cluster, effect }, { from, to }) => {
      if (!knows(cluster, from, to)) return undefined;
      let dropped: string | undefined;
      return cluster.network.filter((envelope) => {
        if (envelope.from.host !== from || envelope.to.host !== to) return 'pass';
        dropped ??= envelope.message.kind;
        if (envelope.message.kind !== dropped) return 'pass';
        effect();
        return 'drop';
      });
    },
  }),
};

function effectOf(undo: Undo | undefined, effect: () => void): Undo | undefined {
  if (undo !== undefined) effect();
  return undo;
}
