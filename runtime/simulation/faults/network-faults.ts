// Faults of the network between hosts and clients
// =============================================================================

import { endsByItself, fault, nodeNames } from './fault-type.js';

export const networkFaults = {
  partition: fault({
    id: 'N5',
    about: 'all nodes in two groups, by tossing coins; neither hears the other',
    shape: { left: 'nodes', right: 'nodes' },
    choose: ({ cluster, random }) => {
      const names = nodeNames(cluster);
      const left = names.filter(() => random.chance(0.5));
      return { left, right: names.filter((name) => !left.includes(name)) };
    },
    apply: ({ cluster, effect }, { left, right }) => {
      const names = nodeNames(cluster);
      const sides = [left, right].map((side) => side.filter((name) => names.includes(name)));
      if (sides.some((side) => side.length === 0)) return undefined;
      effect();
      return cluster.network.partition(...sides);
    },
  }),

  isolate: fault({
    id: 'N5',
    about: 'one node hears nobody, and nobody hears it',
    shape: { node: 'node' },
    choose: ({ cluster, random }) => ({ node: random.pick(nodeNames(cluster)) }),
    apply: ({ cluster, effect }, { node }) => {
      if (!nodeNames(cluster).includes(node)) return undefined;
      effect();
      return cluster.network.isolate(node);
    },
  }),

  'one-way': fault({
    id: 'N6',
    about: 'one node does not hear one other, which hears it',
    shape: { from: 'node', to: 'node' },
    choose: ({ cluster, random }) => {
      const names = nodeNames(cluster);
      return { from: random.pick(names), to: random.pick(names) };
    },
    apply: ({ cluster, effect }, { from, to }) => {
      const names = nodeNames(cluster);
      if (from === to || !names.includes(from) || !names.includes(to)) return undefined;
      effect();
      return cluster.network.cutOneWay([from], [to]);
    },
  }),

  clog: fault({
    id: 'N8',
    about: 'the way from one node to another holds everything back, and then lets go of it at once',
    shape: { from: 'node', to: 'node' },
    choose: ({ cluster, random }) => {
      const names = nodeNames(cluster);
      return { from: random.pick(names), to: random.pick(names) };
    },
    apply: ({ cluster, lastsMs, effect }, { from, to }) => {
      const names = nodeNames(cluster);
      if (from === to || !names.includes(from) || !names.includes(to)) return undefined;
      effect();
      cluster.network.clog(from, to, lastsMs);
      return endsByItself;
    },
  }),

  'slow-link': fault({
    id: 'N18',
    about: 'the way from one node to another takes 1 to 50 times as long, the way back does not',
    shape: { from: 'node', to: 'node', factor: 'number' },
    choose: ({ cluster, random }) => {
      const names = nodeNames(cluster);
      return { from: random.pick(names), to: random.pick(names), factor: 1 + random.below(50) };
    },
    apply: ({ cluster, effect }, { from, to, factor }) => {
      const names = nodeNames(cluster);
      if (from === to || !names.includes(from) || !names.includes(to)) return undefined;
      effect();
      cluster.network.slow(from, to, factor);
      return () => cluster.network.slow(from, to, 1);
    },
  }),

  'drop-kind': fault({
    id: 'N15',
    about:
      'all messages of the kind that passes next from one node to another are lost, as when only acknowledgements get lost',
    shape: { from: 'node', to: 'node' },
    choose: ({ cluster, random }) => {
      const names = nodeNames(cluster);
      return { from: random.pick(names), to: random.pick(names) };
    },
    apply: ({ cluster, effect }, { from, to }) => {
      // Not within a host: its threads speak over ports, which lose nothing.
      const names = nodeNames(cluster);
      if (from === to || !names.includes(from) || !names.includes(to)) return undefined;
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

  'broker-down': fault({
    id: 'A1',
    about: 'NATS dies with everything under way in it, and comes back empty',
    shape: {},
    choose: () => ({}),
    apply: ({ cluster, effect }) => {
      if (!cluster.network.brokerUp) return undefined;
      effect();
      cluster.network.stopBroker();
      return () => cluster.network.startBroker();
    },
  }),
};
