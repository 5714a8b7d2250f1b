// A worked example: actors on three hosts, a network that loses a fifth of what it is given
// =============================================================================
//
// Each host's `player` serves balls to the two others, again and again until one comes back. This is how a protocol test is
// written: definitions, a composition that says what runs where, a cluster from a seed, and conditions in virtual time.

import { expect } from 'chai';
import type { Actor, ActorDefinition, Context } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { SimulatedCluster } from '../../../runtime/simulation/simulated-cluster.js';

type PlayerMessage =
  | { readonly kind: 'ping'; readonly ball: number; readonly replyTo: Address }
  | { readonly kind: 'pong'; readonly ball: number }
  | { readonly kind: 'serve' };

const hostNames = ['a', 'b', 'c'];

class Player implements Actor<PlayerMessage> {
  readonly returned = new Set<number>();
  #ball = 0;

  start(context: Context<PlayerMessage>): void {
    context.timers.start('serve', 10, { kind: 'serve' });
  }

  receive(message: PlayerMessage, from: Address, context: Context<PlayerMessage>): void {
    switch (message.kind) {
      case 'serve':
        for (const host of hostNames) {
          if (host === context.self.host) continue;
          const ping: PlayerMessage = { kind: 'ping', ball: this.#ball, replyTo: context.self };
          context.send({ host, worker: 0, actor: 'player' }, ping);
        }
        context.timers.start('serve', 10, { kind: 'serve' });
        return;
      case 'ping': {
        const pong: PlayerMessage = { kind: 'pong', ball: message.ball };
        return context.send(message.replyTo, pong);
      }
      case 'pong':
        if (message.ball !== this.#ball) return; // late, or twice
        this.returned.add(message.ball);
        this.#ball++;
        context.emit({ kind: 'ball-returned', level: 'info', ball: message.ball, by: from.host });
        return;
    }
  }
}

const definitions = new Map<string, ActorDefinition>([
  ['player', { kind: 'player', durable: false, create: () => new Player() }],
]);

function play(seed: string): SimulatedCluster {
  const cluster = new SimulatedCluster({
    seed,
    composition: {
      definitions,
      rootActors: ({ worker }) => (worker === 0 ? [{ name: 'player', kind: 'player', args: emptyBytes }] : []),
    },
    hosts: hostNames.map((name) => ({ name, workers: 1 })),
    network: { lossProbability: 0.2, duplicateProbability: 0.1, reorderProbability: 0.1 },
  });
  cluster.start();
  return cluster;
}

function returnedBy(cluster: SimulatedCluster, host: string): number {
  const player = cluster.actor({ host, worker: 0, actor: 'player' }) as Player | undefined;
  return player?.returned.size ?? 0;
}

describe('a simulated cluster: ping and pong', () => {
  it('plays on over a network that loses a fifth of its frames', () => {
    const cluster = play('ping-pong 1');
    cluster.runUntil(() => hostNames.every((host) => returnedBy(cluster, host) >= 20), 5000);
    expect(cluster.network.counts.lost).to.be.greaterThan(0);
    expect(cluster.network.counts.gaps).to.be.greaterThan(0);
  });

  it('plays on after a partition has healed, and a host was killed and came back', () => {
    const cluster = play('ping-pong 2');
    cluster.runFor(200);
    const heal = cluster.network.isolate('a');
    cluster.runFor(100); // what was under way has arrived
    const before = returnedBy(cluster, 'a');
    cluster.runFor(500);
    expect(returnedBy(cluster, 'a')).to.equal(before);
    heal();
    cluster.host('b').kill();
    cluster.after(300, () => cluster.host('b').start());
    cluster.runUntil(() => returnedBy(cluster, 'a') >= before + 20 && returnedBy(cluster, 'b') >= 20, 5000);
  });

  it('Z1. gives the same trace hash twice, and another for another seed', () => {
    const run = (seed: string): string => {
      const cluster = play(seed);
      cluster.runFor(2000);
      return cluster.trace.hash;
    };
    expect(run('ping-pong 3')).to.equal(run('ping-pong 3'));
    expect(run('ping-pong 3')).to.not.equal(run('ping-pong 4'));
  });
});
