// The agent, turn by turn

import { expect } from 'chai';
import { HostAgent } from '../../../actors/host/agent.js';
import { leaseExpiryMs, leaseValid, markApplied } from '../../../actors/host/lease-cells.js';
import { heartbeatIntervalMs, leaseDurationMs } from '../../../actors/metadata/lease-timing.js';
import { learnedMembers } from '../../../actors/host/members-learned.js';
import type { HostMessage } from '../../../messaging/protocol/host-messages.js';
import type { Context, Message } from '../../../runtime/contract/actor.js';
import { type Address, mainWorker } from '../../../runtime/contract/address.js';
import type { SystemEvent } from '../../../runtime/contract/events.js';
import { PlainCells } from '../../../runtime/simulation/plain-cells.js';
import { seededRandom } from '../../../runtime/std/random.js';

const leader: Address = { host: 'm1', worker: 0, actor: 'metadata' };
const manager = (worker: number): Address => ({ host: 'h1', worker, actor: 'manager' });

class Desk {
  readonly cells = new PlainCells();
  readonly agent = new HostAgent({
    clusterId: 'c',
    host: 'h1',
    startId: 's1',
    diskId: 'd1',
    workers: 2,
    rack: '',
    pid: 1,
    version: '0',
    members: [
      { id: 'm1.x', host: 'm1' },
      { id: 'm2.x', host: 'm2' },
    ],
  });
  nowMs = 1000;
  asleepMs = 0;
  sent: { readonly to: Address; readonly message: HostMessage }[] = [];
  events: string[] = [];
  learned: (readonly string[])[] = [];

  #context(): Context<never> {
    return {
      self: { host: 'h1', worker: mainWorker, actor: 'agent' },
      incarnation: 0,
      nowMs: this.nowMs,
      wallMs: this.nowMs + this.asleepMs,
      bootMs: this.nowMs + this.asleepMs,
      random: seededRandom('agent'),
      cells: this.cells,
      timers: { start: () => undefined, cancel: () => undefined },
      send: (to: Address, message: Message) => this.sent.push({ to, message: message as HostMessage }),
      emit: (event: SystemEvent) => {
        const members = learnedMembers(event);
        if (members === undefined) this.events.push(event.kind);
        else this.learned.push(members);
      },
    } as unknown as Context<never>;
  }

  start(): void {
    this.agent.start(this.#context());
  }

  tell(message: HostMessage, from: Address = leader): void {
    this.sent = [];
    this.agent.receive(message as never, from, this.#context());
  }

  look(): void {
    this.sent = [];
    this.agent.receive({ kind: 'look' }, { host: 'h1', worker: mainWorker, actor: 'agent' }, this.#context());
  }

  drain(): void {
    this.sent = [];
    this.agent.signal({ kind: 'draining' }, this.#context());
  }

  kinds(): string[] {
    return this.sent.map(({ message }) => message.kind);
  }

  heartbeat(): Extract<HostMessage, { readonly kind: 'heartbeat' }> {
    const found = this.sent.find(({ message }) => message.kind === 'heartbeat')?.message;
    if (found?.kind !== 'heartbeat') throw new Error('no heartbeat');
    return found;
  }

  lease(
    sentMs: number,
    more: {
      readonly durationMs?: number;
      readonly fenced?: boolean;
      readonly epoch?: number;
      readonly revision?: number;
    } = {},
  ): void {
    const { durationMs = leaseDurationMs, fenced = false, epoch = 7, revision = 0 } = more;
    this.tell({ kind: 'lease', epoch, sentMs, durationMs, revision, fenced });
  }

  ready(): void {
    this.tell({ kind: 'worker-ready', worker: 0, replicas: [] }, manager(0));
    this.tell({ kind: 'worker-ready', worker: 1, replicas: [] }, manager(1));
  }

  registered(): void {
    this.start();
    this.ready();
    this.tell({ kind: 'registered', startId: 's1', epoch: 7 });
  }

  get expiryMs(): number {
    return leaseExpiryMs(this.cells);
  }
}

describe('host agent', () => {
  it('G3: registers when every worker has reported, with all that they reported', () => {
    const desk = new Desk();
    desk.start();
    const report = { partition: 4, incarnation: 1, verdict: 'complete', lineage: 1, lastEpoch: 1, end: 2 } as const;
    desk.tell({ kind: 'worker-ready', worker: 1, replicas: [report] }, manager(1));
    expect(desk.kinds()).to.deep.equal([]);
    desk.tell({ kind: 'worker-ready', worker: 0, replicas: [] }, manager(1));
    expect(desk.kinds(), 'a worker speaks for itself').to.deep.equal([]);
    desk.tell({ kind: 'worker-ready', worker: 0, replicas: [] }, manager(0));
    expect(desk.sent[0]?.message).to.deep.include({ kind: 'register', startId: 's1', after: 0, replicas: [report] });
  });

  it('finds the metadata group through what its managers know, when all members that it was started with are gone', () => {
    const desk = new Desk();
    desk.start();
    desk.ready();
    desk.tell({ kind: 'worker-ready', worker: 0, replicas: [], members: ['m7'] }, manager(0));
    const asked = new Set<unknown>();
    for (let i = 0; i < 3; i++) {
      desk.tell({ kind: 'agent-refused', reason: 'not-leader', leader: undefined });
      asked.add(desk.agent.inspect()['asking']);
    }
    expect(asked, 'those it was started with may come back').to.have.all.keys('m1', 'm2', 'm7');
  });

  it('G5: tells its process whom any manager knows as a member, once', () => {
    const desk = new Desk();
    desk.start();
    const say = (worker: number, members: string[]): void =>
      desk.tell({ kind: 'worker-ready', worker, replicas: [], members }, manager(worker));
    say(0, ['m7', 'm2']);
    say(0, ['m2', 'm7']);
    expect(desk.learned).to.deep.equal([['m2', 'm7']]);
    say(1, ['m1']);
    say(0, ['m2', 'm7']);
    expect(desk.learned.slice(1), 'the other manager may be behind').to.deep.equal([['m1', 'm2', 'm7']]);
    say(1, ['m7', 'm2']);
    expect(desk.learned.slice(2), 'it is no longer').to.deep.equal([['m2', 'm7']]);
    desk.tell({ kind: 'worker-ready', worker: 0, replicas: [], members: ['x'] }, { ...manager(0), host: 'h2' });
    expect(desk.learned, 'of another host').to.have.length(3);
  });

  it('G4: tells a manager that began anew what this process is registered as, and where the metadata group is', () => {
    const desk = new Desk();
    desk.start();
    desk.tell({ kind: 'registration-fetch' }, manager(0));
    expect(desk.sent[0]?.message, 'it has to say that it is ready').to.deep.include({
      kind: 'registered-as',
      epoch: 0,
    });
    desk.ready();
    desk.tell({ kind: 'registered', startId: 's1', epoch: 7 });
    desk.tell({ kind: 'worker-ready', worker: 1, replicas: [], members: ['m7', 'm8'] }, manager(1));
    desk.lease(1000);
    desk.tell({ kind: 'agent-refused', reason: 'not-leader', leader: 'm8' });
    desk.tell({ kind: 'registration-fetch' }, { ...manager(0), host: 'h2' });
    expect(desk.kinds(), 'of another host').to.deep.equal([]);
    desk.tell({ kind: 'registration-fetch' }, manager(0));
    const members = ['m8', 'm7', 'm1', 'm2'];
    expect(desk.sent).to.deep.equal([
      { to: manager(0), message: { kind: 'registered-as', epoch: 7, startId: 's1', members } },
    ]);
  });

  it('G3: registers in place of the registration that it is told of', () => {
    const desk = new Desk();
    desk.start();
    desk.ready();
    desk.tell({ kind: 'agent-refused', reason: 'after-mismatch', leader: 'm1', epoch: 5 });
    expect(desk.sent[0]?.message).to.deep.include({ kind: 'register', after: 5 });
    desk.tell({ kind: 'agent-refused', reason: 'after-mismatch', leader: 'm1', epoch: 5 });
    expect(desk.kinds(), 'once').to.deep.equal([]);
  });

  it('goes on to whoever leads, and tells the managers its epoch', () => {
    const desk = new Desk();
    desk.start();
    desk.ready();
    desk.tell({ kind: 'agent-refused', reason: 'not-leader', leader: 'm3' });
    expect(desk.sent[0]?.to.host).to.equal('m3');
    desk.tell({ kind: 'registered', startId: 'another', epoch: 6 });
    expect(desk.kinds()).to.deep.equal([]);
    desk.tell({ kind: 'registered', startId: 's1', epoch: 7 });
    expect(desk.kinds()).to.deep.equal(['registered-as', 'registered-as', 'heartbeat']);
    desk.tell({ kind: 'worker-ready', worker: 1, replicas: [] }, manager(1));
    const message = { kind: 'registered-as', epoch: 7, startId: 's1', members: ['m1', 'm2'] };
    expect(desk.sent).to.deep.equal([{ to: manager(1), message }]);
  });

  it('G4: a new agent of the process asks the managers again, and registers under the same start', () => {
    const desk = new Desk();
    desk.start();
    expect(desk.sent.map(({ message }) => message)).to.deep.equal([
      { kind: 'registered-as', epoch: 0, startId: 's1' },
      { kind: 'registered-as', epoch: 0, startId: 's1' },
    ]);
  });

  it('G1: a lease counts from the sending of its heartbeat, and only a newer heartbeat changes it', () => {
    const desk = new Desk();
    desk.registered();
    const { sentMs } = desk.heartbeat();
    desk.nowMs += 100;
    desk.lease(sentMs);
    expect(desk.expiryMs).to.equal(sentMs + leaseDurationMs);
    desk.lease(sentMs, { durationMs: leaseDurationMs * 2 });
    expect(desk.expiryMs, 'repeated').to.equal(sentMs + leaseDurationMs);
    desk.lease(desk.nowMs + 1);
    expect(desk.expiryMs, 'from the future').to.equal(sentMs + leaseDurationMs);
    desk.lease(sentMs + 50, { epoch: 6 });
    expect(desk.expiryMs, 'of another registration').to.equal(sentMs + leaseDurationMs);
  });

  it('G1: a lease is valid in a worker that has applied what it was granted under', () => {
    const desk = new Desk();
    desk.registered();
    desk.lease(desk.heartbeat().sentMs, { revision: 9 });
    markApplied(desk.cells, 0, 9);
    markApplied(desk.cells, 1, 8);
    expect([leaseValid(desk.cells, 0, desk.nowMs), leaseValid(desk.cells, 1, desk.nowMs)]).to.deep.equal([true, false]);
  });

  it('G2: fenced, the lease is void at once (L7)', () => {
    const desk = new Desk();
    desk.registered();
    desk.lease(desk.heartbeat().sentMs);
    desk.nowMs += heartbeatIntervalMs;
    desk.look();
    desk.lease(desk.heartbeat().sentMs, { durationMs: 0, fenced: true });
    expect(desk.expiryMs).to.equal(0);
    expect(desk.events).to.include('fenced');
  });

  it('G2, L3: after a suspend the lease is void, also what was asked for before it', () => {
    const desk = new Desk();
    desk.registered();
    desk.look();
    const { sentMs } = ((desk.nowMs += heartbeatIntervalMs), desk.look(), desk.heartbeat());
    desk.lease(sentMs);
    desk.nowMs += 20;
    desk.asleepMs = 5000;
    desk.look();
    expect(desk.expiryMs).to.equal(0);
    desk.lease(sentMs + 1);
    expect(desk.expiryMs, 'asked for before').to.equal(0);
    desk.nowMs += heartbeatIntervalMs;
    desk.look();
    const next = desk.heartbeat().sentMs;
    desk.lease(next);
    expect(desk.expiryMs).to.equal(next + leaseDurationMs);
  });

  it('G2, L6: draining, it gives up its lease before it says so, and takes none again', () => {
    const desk = new Desk();
    desk.registered();
    const { sentMs } = desk.heartbeat();
    desk.lease(sentMs);
    desk.nowMs += 10;
    desk.drain();
    expect(desk.expiryMs).to.equal(0);
    expect(desk.heartbeat().draining).to.equal(true);
    desk.lease(desk.heartbeat().sentMs);
    expect(desk.expiryMs).to.equal(0);
  });

  it('G2: superseded or removed, it ends; a refusal meant for a process before it does not end it', () => {
    const desk = new Desk();
    desk.registered();
    desk.lease(desk.heartbeat().sentMs);
    desk.tell({ kind: 'agent-refused', reason: 'superseded', leader: 'm1', epoch: 3 });
    expect(desk.expiryMs).to.be.greaterThan(0);
    desk.tell({ kind: 'agent-refused', reason: 'superseded', leader: 'm1', epoch: 7 });
    expect([desk.expiryMs, desk.events.includes('host-ended')]).to.deep.equal([0, true]);
    desk.nowMs += 1000;
    desk.look();
    expect(desk.kinds()).to.deep.equal([]);
  });

  it('G2: a process that has not asked for anything yet is not ended by a refusal of the one before it', () => {
    const desk = new Desk();
    desk.start();
    desk.tell({ kind: 'agent-refused', reason: 'superseded', leader: 'm1', epoch: 7 });
    desk.tell({ kind: 'agent-refused', reason: 'removed', leader: 'm1', epoch: 7 });
    expect(desk.events).to.not.include('host-ended');
    desk.ready();
    expect(desk.kinds()).to.deep.equal(['register']);
  });

  it('what its workers applied is told without waiting for the next heartbeat (L5)', () => {
    const desk = new Desk();
    desk.registered();
    desk.nowMs += 50;
    desk.look();
    expect(desk.kinds()).to.deep.equal([]);
    markApplied(desk.cells, 0, 12);
    markApplied(desk.cells, 1, 11);
    desk.nowMs += 50;
    desk.look();
    expect(desk.heartbeat().appliedRevision).to.equal(11);
  });

  it('asks another member when the one asked is silent', () => {
    const desk = new Desk();
    desk.registered();
    const first = desk.sent.find(({ message }) => message.kind === 'heartbeat')?.to.host;
    const asked = new Set([first]);
    for (let i = 0; i < 20; i++) {
      desk.nowMs += 100;
      desk.look();
      for (const { to } of desk.sent) asked.add(to.host);
    }
    expect([...asked].sort((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1))).to.deep.equal(['m1', 'm2']);
  });

  it('nobody but members speaks for the group', () => {
    const desk = new Desk();
    desk.start();
    desk.ready();
    desk.tell({ kind: 'registered', startId: 's1', epoch: 7 }, { host: '@c', worker: 0, actor: 'x' });
    expect(desk.kinds()).to.deep.equal([]);
  });
});
