// Faults of single ways: what slows, damages, swallows and repeats frames between two nodes
// =============================================================================
//
// Each hangs a `Trouble` on the way from one node to another.
//
// Sources: CORRECTNESS §3.2 N10–N13, N16–N18.

import { seededRandom } from '../../std/random.js';
import type { Trouble } from '../network-way.js';
import type { Frame } from '../simulated-link.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { fault, knows, type Strike, type Undo } from './fault-type.js';
import { twoNodes } from './network-faults.js';

/** Frames that a replay remembers. */
const recordedCountMax = 32;

/** What queues up before a narrow way for longer is lost, ms. */
const queueMaxMs = 1000;

function hang(cluster: SimulatedCluster, from: string, to: string, trouble: Trouble): Undo | undefined {
  return knows(cluster, from, to) ? cluster.network.trouble(from, to, trouble) : undefined;
}

/** One frame of so many arrives damaged; a link drops such a frame and counts it, so here it is lost. Its bytes are shown to the decoder. */
function damaging(
  { cluster, effect }: Strike,
  args: { readonly probability: number; readonly seed: number },
  damage: (bytes: Uint8Array, random: ReturnType<typeof seededRandom>) => Uint8Array,
  why: string,
): Trouble {
  const random = seededRandom(args.seed);
  return {
    leaves: (frame) => {
      if (!random.chance(args.probability)) return undefined;
      effect();
      const bytes = cluster.network.bytesOf(frame);
      if (bytes !== undefined) cluster.network.expectRefused(damage(bytes, random));
      return why;
    },
  };
}

export const wayFaults = {
  'slow-link': fault({
    id: 'N18',
    about: 'the way from one node to another takes 2 to 50 times as long, the way back does not',
    shape: { from: 'node', to: 'node', factor: 'number' },
    choose: ({ cluster, random }) => {
      const two = twoNodes(cluster, random);
      return two && { ...two, factor: 2 + random.below(49) };
    },
    apply: ({ cluster, effect }, { from, to, factor }) => {
      if (!knows(cluster, from, to) || factor <= 0) return undefined;
      effect();
      cluster.network.slow(from, to, factor);
      return () => cluster.network.slow(from, to, 1);
    },
  }),

  bandwidth: fault({
    id: 'N10',
    about: 'the way from one node to another carries only 50 to 2000 messages a second; what is sent faster queues up',
    shape: { from: 'node', to: 'node', messagesPerSecond: 'number' },
    choose: ({ cluster, random }) => {
      const two = twoNodes(cluster, random);
      return two && { ...two, messagesPerSecond: random.pick([50, 200, 1000, 2000]) };
    },
    apply: ({ cluster, effect }, { from, to, messagesPerSecond }) => {
      if (messagesPerSecond <= 0) return undefined;
      let freeAtMs = 0;
      return hang(cluster, from, to, {
        leaves: () => {
          if (freeAtMs - cluster.nowMs < queueMaxMs) return undefined;
          effect();
          return 'full';
        },
        arrivesAtMs: (frame, arrivalMs) => {
          if (freeAtMs > arrivalMs) effect();
          freeAtMs = Math.max(arrivalMs, freeAtMs) + (frame.envelopes.length * 1000) / messagesPerSecond;
          return freeAtMs;
        },
      });
    },
  }),

  garble: fault({
    id: 'N11',
    about: 'bits of some frames flip on the way from one node to another; the link drops what has a wrong checksum',
    shape: { from: 'node', to: 'node', probability: 'number', seed: 'number' },
    choose: ({ cluster, random }) => {
      const two = twoNodes(cluster, random);
      return two && { ...two, probability: random.pick([0.01, 0.1, 0.5]), seed: random.u32() };
    },
    apply: (strike, args) => {
      const flip: Parameters<typeof damaging>[2] = (bytes, random) => {
        const at = random.below(bytes.length);
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        return bytes;
      };
      return hang(strike.cluster, args.from, args.to, damaging(strike, args, flip, 'garbled'));
    },
  }),

  truncate: fault({
    id: 'N12',
    about: 'some frames from one node to another lose their end; the link drops them',
    shape: { from: 'node', to: 'node', probability: 'number', seed: 'number' },
    choose: ({ cluster, random }) => {
      const two = twoNodes(cluster, random);
      return two && { ...two, probability: random.pick([0.01, 0.1, 0.5]), seed: random.u32() };
    },
    apply: (strike, args) => {
      const cut: Parameters<typeof damaging>[2] = (bytes, random) => bytes.subarray(0, random.below(bytes.length));
      return hang(strike.cluster, args.from, args.to, damaging(strike, args, cut, 'truncated'));
    },
  }),

  oversize: fault({
    id: 'N13',
    about: 'frames of more than a few messages never get from one node to another, small ones do',
    shape: { from: 'node', to: 'node', messageCountMax: 'number' },
    choose: ({ cluster, random }) => {
      const two = twoNodes(cluster, random);
      return two && { ...two, messageCountMax: random.between(1, 4) };
    },
    apply: ({ cluster, effect }, { from, to, messageCountMax }) =>
      hang(cluster, from, to, tooLarge(messageCountMax, effect)),
  }),

  'replay-frames': fault({
    id: 'N16',
    about:
      'a host is killed and started again, and then gets once more what another host had sent to the process before',
    shape: { from: 'host', to: 'host', seed: 'number' },
    choose: ({ cluster, random, budget: { mortal } }) => {
      if (mortal.length === 0 || cluster.hosts.length < 2) return undefined;
      const to = random.pick(mortal);
      const others = cluster.hosts.map((host) => host.name).filter((name) => name !== to);
      return { from: random.pick(others), to, seed: random.u32() };
    },
    apply: ({ cluster, target, effect, budget, after, lastsMs }, { from, to, seed }) => {
      const host = target(to);
      if (target(from) === undefined || host?.up !== true || from === to) return undefined;
      const random = seededRandom(seed);
      const release = budget.take(to);
      const recorded: Frame[] = [];
      const unhook = cluster.network.trouble(from, to, {
        leaves: (frame) => {
          recorded.push(frame);
          if (recorded.length > recordedCountMax) recorded.splice(random.below(recorded.length), 1);
          return undefined;
        },
        arrives: (frame) => {
          const { lives } = frame.link.to;
          const old = recorded.findIndex((one) => one.link.to === frame.link.to && one.toLife < lives);
          if (old < 0) return;
          effect();
          for (const one of recorded.splice(old, 1)) cluster.network.repeat(one);
        },
      });
      after(lastsMs * 0.4, () => target(to)?.kill({ powerLost: false }));
      after(lastsMs * 0.5, () => {
        if (!host.up) host.start();
      });
      return () => {
        unhook();
        release();
        if (!host.up) host.start();
      };
    },
  }),

  'stale-route': fault({
    id: 'N17',
    about: 'a host is killed and started again, and then gets what other hosts had sent to the process before',
    shape: { host: 'host' },
    choose: ({ random, budget: { mortal } }) => (mortal.length === 0 ? undefined : { host: random.pick(mortal) }),
    apply: (strike, { host }) =>
      killedWithin(strike, host, (other) => ({
        from: other,
        to: host,
        late: (frame) => frame.toLife < frame.link.to.lives,
      })),
  }),

  'late-ghost': fault({
    id: 'P12',
    about: 'a host is killed and started again, and then what the process before had sent reaches other hosts',
    shape: { host: 'host' },
    choose: ({ random, budget: { mortal } }) => (mortal.length === 0 ? undefined : { host: random.pick(mortal) }),
    apply: (strike, { host }) =>
      killedWithin(strike, host, (other) => ({
        from: host,
        to: other,
        late: (frame) => frame.fromLife < frame.link.from.lives,
      })),
  }),
};

/** Refuses frames of many messages: what a broker with a smaller limit does, or a way with a smaller unit. */
export function tooLarge(messageCountMax: number, effect: () => void): Trouble {
  return {
    leaves: (frame) => {
      if (frame.envelopes.length <= messageCountMax) return undefined;
      effect();
      return 'oversize';
    },
  };
}

/**
 * Holds back what goes a way between the host and each other host, kills the host, starts it again, and lets go of everything when it has
 * taken up its work: what was meant for, or came from, the process before meets the one after.
 */
function killedWithin(
  { cluster, lastsMs, target, budget, effect, after }: Strike,
  name: string,
  way: (other: string) => { readonly from: string; readonly to: string; readonly late: (frame: Frame) => boolean },
): Undo | undefined {
  const host = target(name);
  if (host?.up !== true) return undefined;
  const release = budget.take(name);
  const untilMs = cluster.nowMs + lastsMs;
  const undos: Undo[] = [];
  for (const other of cluster.hosts) {
    if (other === host) continue;
    const { from, to, late } = way(other.name);
    undos.push(
      cluster.network.trouble(from, to, {
        arrivesAtMs: (_, arrivalMs) => Math.max(arrivalMs, untilMs),
        arrives: (frame) => {
          if (late(frame)) effect();
        },
      }),
    );
  }
  after(lastsMs * 0.3, () => target(name)?.kill({ powerLost: false }));
  after(lastsMs * 0.4, () => {
    if (!host.up) host.start();
  });
  // What was held arrives just after the end: the counting stays until then.
  return () => {
    release();
    if (!host.up) host.start();
    cluster.scheduler.callFirst(cluster.nowMs + 1, () => {
      for (const undo of undos) undo();
    });
  };
}
