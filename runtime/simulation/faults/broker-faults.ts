// Faults of NATS: a broker that can die, stop, split, and be too slow for its receivers
// =============================================================================
//
// Sources: CORRECTNESS §3.2 A1–A6, A8; T3–T7.

import { fault, knows, nodeNames } from './fault-type.js';
import { tooLarge } from './way-faults.js';

export const brokerFaults = {
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

  'broker-restart': fault({
    id: 'A2',
    about: 'NATS is started anew: what is under way is lost, and it is back within 50 ms',
    shape: { downMs: 'number' },
    choose: ({ random }) => ({ downMs: random.between(1, 50) }),
    apply: ({ cluster, effect, after }, { downMs }) => {
      if (!cluster.network.brokerUp) return undefined;
      effect();
      cluster.network.stopBroker();
      after(downMs, () => cluster.network.startBroker());
      return () => cluster.network.startBroker();
    },
  }),

  'broker-pause': fault({
    id: 'A3',
    about: 'NATS stops, takes what it is sent, and delivers all of it when it goes on',
    shape: {},
    choose: () => ({}),
    apply: ({ cluster, effect }) => {
      effect();
      return cluster.network.pauseBroker();
    },
  }),

  'broker-split': fault({
    id: 'A4',
    about: 'the servers of a NATS cluster lose their routes: up to three groups of nodes hear only their own',
    shape: { first: 'nodes', second: 'nodes', third: 'nodes' },
    choose: ({ cluster, random }) => {
      const groups: [string[], string[], string[]] = [[], [], []];
      for (const name of nodeNames(cluster)) random.pick(groups).push(name);
      return { first: groups[0], second: groups[1], third: groups[2] };
    },
    apply: ({ cluster, effect }, { first, second, third }) => {
      const groups = [first, second, third].map((group) => group.filter((name) => knows(cluster, name)));
      const living = groups.filter((group) => group.length > 0);
      if (living.length < 2) return undefined;
      effect();
      return cluster.network.partition(...living);
    },
  }),

  'slow-consumer': fault({
    id: 'A5',
    about: 'what is sent to one node queues up in NATS, which then gives it up: all of it is lost at once',
    shape: { node: 'node' },
    choose: ({ cluster, random }) => ({ node: random.pick(nodeNames(cluster)) }),
    apply: ({ cluster, lastsMs, effect }, { node }) => {
      if (!knows(cluster, node)) return undefined;
      // A little longer than the episode, so that all of it still waits when it is given up.
      for (const other of nodeNames(cluster)) if (other !== node) cluster.network.clog(other, node, lastsMs + 1);
      return () => {
        for (let count = cluster.network.dropUnderWay(node); count > 0; count--) effect();
      };
    },
    frozen: ({ cluster }, { node }) =>
      void cluster.network.cutOneWay(
        nodeNames(cluster).filter((other) => other !== node),
        [node],
      ),
  }),

  reconnect: fault({
    id: 'A6',
    about:
      "a node's connection to NATS breaks: what is sent to it is lost, what it sends waits and leaves when it is back",
    shape: { node: 'node' },
    choose: ({ cluster, random }) => ({ node: random.pick(nodeNames(cluster)) }),
    apply: ({ cluster, effect }, { node }) => {
      if (!knows(cluster, node)) return undefined;
      effect();
      return cluster.network.disconnect(node);
    },
  }),

  'max-payload': fault({
    id: 'A8',
    about: 'NATS takes only frames of at most a few messages, from anybody',
    shape: { messageCountMax: 'number' },
    choose: ({ random }) => ({ messageCountMax: random.between(1, 8) }),
    apply: ({ cluster, effect }, { messageCountMax }) => {
      if (messageCountMax < 1) return undefined;
      const names = nodeNames(cluster);
      const trouble = tooLarge(messageCountMax, effect);
      const heals = names.flatMap((from) =>
        names.filter((to) => to !== from).map((to) => cluster.network.trouble(from, to, trouble)),
      );
      return () => {
        for (const heal of heals) heal();
      };
    },
  }),
};
