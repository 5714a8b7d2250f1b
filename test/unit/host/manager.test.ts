// The manager, turn by turn

import { expect } from 'chai';
import { appliedRevision } from '../../../actors/host/lease-cells.js';
import { WorkerManager } from '../../../actors/host/manager.js';
import { type MapDelta, replicaActor } from '../../../messaging/protocol/cluster-map.js';
import type { HostMessage } from '../../../messaging/protocol/host-messages.js';
import { MapStore } from '../../../actors/metadata/state/map-store.js';
import type { Context, Message } from '../../../runtime/contract/actor.js';
import { type Address, mainWorker } from '../../../runtime/contract/address.js';
import { PlainCells } from '../../../runtime/simulation/plain-cells.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { groupOfOne, reportOf, Steps } from '../../support/metadata-builders.js';

const partitions = 64;
const self: Address = { host: 'h1', worker: 0, actor: 'manager' };
const member: Address = { host: 'h1', worker: 0, actor: 'metadata' };

function newManager(): WorkerManager {
  return new WorkerManager({ clusterId: 'c', host: 'h1', diskId: 'd', startId: 'h1@1', members: [] }, self);
}

/** A manager of the only worker of a host, its replicas' names, and a map that the test changes. */
class Desk {
  manager = newManager();
  readonly map = new Steps(new MapStore('c'));
  readonly running = new Map<string, number>();
  readonly timers = new Map<string, Message>();
  nowMs = 1000;
  sent: HostMessage[] = [];
  /** How often it looked through what runs, as it does whenever it goes through the map. */
  looks = 0;
  readonly #cells = new PlainCells();
  #asked = 0;

  constructor() {
    this.map.up('h1');
  }

  #turn(take: (context: Context<never>) => void): void {
    take({
      self,
      incarnation: 0,
      nowMs: this.nowMs,
      random: seededRandom('manager'),
      cells: this.#cells,
      timers: {
        start: (key: string, _delayMs: number, message: Message) => void this.timers.set(key, message),
        cancel: (key: string) => void this.timers.delete(key),
      },
      send: (_to: Address, message: HostMessage) => {
        this.sent.push(message);
        if (message.kind === 'map-fetch') this.#asked = message.request;
      },
      spawn: ({ name }: { readonly name: string }) => void this.running.set(name, 0),
      stop: (name: string) => void this.running.delete(name),
      actors: () => {
        this.looks++;
        return [...this.running].map(([name, incarnation]) => ({ name, kind: 'partition', incarnation }));
      },
      emit: () => undefined,
    } as unknown as Context<never>);
  }

  start(): void {
    this.#turn((context) => this.manager.start(context));
  }

  tell(message: object, from: Address = member): void {
    this.#turn((context) => this.manager.receive(message as never, from, context));
  }

  fire(key: string): void {
    const message = this.timers.get(key);
    this.timers.delete(key);
    if (message !== undefined) this.tell(message, self);
  }

  /** Begins anew in the same process, as after a crash of the worker. */
  restart(): void {
    this.manager = newManager();
    this.start();
  }

  /** The map as it is now, or was, in answer to the request under way. */
  news(group: typeof groupOfOne = groupOfOne, delta: MapDelta = this.map.store.deltaSince(0, group)): void {
    this.sent = [];
    this.tell({ kind: 'map-reply', request: this.#asked, delta });
  }

  get applied(): number {
    return appliedRevision(this.#cells, 0);
  }

  recovered(partition: number): void {
    const report = reportOf(partition, 'incomplete', { incarnation: 0, end: 0, lastEpoch: 0 });
    this.tell({ kind: 'replica-recovered', report }, { ...self, actor: replicaActor(partition) });
  }

  registrations(): number[] {
    return this.sent.flatMap((message) => (message.kind === 'register-replicas' ? [message.replicas.length] : []));
  }

  /** Registered, with the map, and its replicas started. */
  settle(): void {
    this.start();
    this.tell(
      { kind: 'registered-as', startId: 'h1@1', epoch: this.map.epochOf('h1') },
      { host: 'h1', worker: mainWorker, actor: 'agent' },
    );
    this.map.do({ kind: 'create-table', name: 't', options: { partitions, replicas: 1 }, ifMissing: false });
    this.news();
    this.fire('follow');
    expect(this.running.size).to.equal(partitions);
  }
}

describe('manager', () => {
  it('Q5: goes through the map once for all replicas that report in a run, and registers them in one list', () => {
    const desk = new Desk();
    desk.settle();
    desk.sent = [];
    desk.looks = 0;
    for (const id of desk.map.store.partitions.keys()) desk.recovered(id);
    desk.fire('follow');
    expect(desk.looks).to.be.at.most(2);
    expect(desk.registrations()).to.deep.equal([partitions]);
  });

  it('Q5: what reports soon after is registered soon, not at once', () => {
    const desk = new Desk();
    desk.settle();
    desk.sent = [];
    const [first, ...others] = desk.map.store.partitions.keys();
    desk.recovered(first ?? 0);
    desk.fire('follow');
    for (const id of others) {
      desk.recovered(id);
      desk.fire('follow');
    }
    expect(desk.registrations()).to.deep.equal([1]);
    desk.nowMs += 50;
    desk.fire('follow');
    expect(desk.registrations()).to.deep.equal([1, partitions]);
  });

  it('Q5: looks at nothing while nothing changes, and goes on while the map does not have what runs (O3)', () => {
    const desk = new Desk();
    desk.settle();
    for (const id of desk.map.store.partitions.keys()) desk.recovered(id);
    desk.fire('follow');
    const turn = (): void => {
      desk.nowMs += 400;
      desk.fire('look');
      desk.fire('follow');
    };
    desk.sent = [];
    turn();
    expect(desk.registrations(), 'it may have been lost').to.deep.equal([partitions]);
    desk.map.claim('h1');
    desk.news();
    desk.fire('follow');
    expect(desk.sent.filter(({ kind }) => (kind as string) === 'partition-metadata')).to.have.length(partitions);
    desk.looks = 0;
    for (let n = 0; n < 10; n++) turn();
    expect(desk.looks).to.equal(0);
  });

  // Seed 1795896466543: a fenced host whose map came from such a member never said that it had seen itself fenced (L7).
  it('Q5 Q1: what a member that knows no leader tells is followed like any other news', () => {
    const desk = new Desk();
    desk.settle();
    desk.map.do({ kind: 'create-table', name: 'u', options: { partitions: 1, replicas: 1 }, ifMissing: false });
    desk.news({ ...groupOfOne, metadataLeader: undefined });
    desk.fire('follow');
    expect(desk.running.size).to.equal(partitions + 1);
    for (const message of desk.sent) if ((message.kind as string) === 'replicas-applied') desk.tell(message, self);
    expect(desk.applied).to.equal(desk.map.store.revision);
  });

  it('Q6: after a restart in the same process, a map from before the replicas were placed here stops none of them', () => {
    const desk = new Desk();
    const old = desk.map.store.deltaSince(0, groupOfOne);
    desk.settle();
    desk.restart();
    desk.news(groupOfOne, old);
    desk.fire('follow');
    expect(desk.running.size, 'replicas that run').to.equal(partitions);
    expect(desk.applied, 'nothing was applied').to.equal(0);
    desk.map.do({ kind: 'delete-table', name: 't' });
    desk.news();
    desk.fire('look'); // it goes on looking
    desk.fire('follow');
    expect(desk.running.size, 'of a table that was deleted').to.equal(0);
  });
});
