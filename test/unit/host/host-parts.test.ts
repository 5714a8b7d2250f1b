import { expect } from 'chai';
import { assignmentsOf, partitionOfActor } from '../../../actors/host/assignments.js';
import { MapServer } from '../../../actors/host/map-server.js';
import { MapWaiters, waiterCountMax } from '../../../actors/host/map-waiters.js';
import { MemberFinder } from '../../../actors/host/member-finder.js';
import { stalledWorkers } from '../../../actors/host/stall-watch.js';
import { StatusRounds } from '../../../actors/host/status-rounds.js';
import { SuspendGuard } from '../../../actors/host/suspend-guard.js';
import { leaseWaitMs, workerStallMs } from '../../../actors/metadata/lease-timing.js';
import { applyCommand } from '../../../actors/metadata/state/apply.js';
import { MapStore } from '../../../actors/metadata/state/map-store.js';
import { MapCopy } from '../../../messaging/protocol/map-copy.js';
import { cellBusySinceMs, cellTickMs, workerCell } from '../../../runtime/contract/cells.js';
import { PlainCells } from '../../../runtime/simulation/plain-cells.js';
import { groupOfOne, hostUp } from '../../support/metadata-builders.js';

describe('suspend guard', () => {
  for (const [name, wallMs, bootMs, slept] of [
    ['clocks together', 50, 50, false],
    ['a little apart', 149, 149, false],
    ['wall clock ahead', 151, 50, true],
    ['boot clock ahead', 50, 151, true],
    ['wall clock set back', -1000, 50, false],
  ] as const)
    it(`L3: ${name} → ${slept ? 'void' : 'as it was'}`, () => {
      const guard = new SuspendGuard();
      expect(guard.look({ nowMs: 1000, wallMs: 5000, bootMs: 3000 })).to.equal(false);
      expect(guard.look({ nowMs: 1050, wallMs: 5000 + wallMs, bootMs: 3000 + bootMs })).to.equal(slept);
    });
});

describe('suspend guard, where uptime is in whole seconds', () => {
  it('L3: the jumps of the clock itself are taken for sleep once at most', () => {
    const guard = new SuspendGuard();
    let voids = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 50) {
      const bootMs = Math.floor((nowMs + 730) / 1000) * 1000;
      if (guard.look({ nowMs, wallMs: nowMs, bootMs })) voids++;
    }
    expect(voids).to.be.at.most(1);
    expect(guard.look({ nowMs: 10_000, wallMs: 10_000, bootMs: 15_000 })).to.equal(true);
  });
});

describe('stall watch', () => {
  it('L6: a run that does not end, or an event loop that does not turn, is a stall; idle and unknown are not', () => {
    const cells = new PlainCells();
    const nowMs = 10_000;
    cells.store(workerCell(1) + cellBusySinceMs, nowMs - workerStallMs - 1);
    cells.store(workerCell(2) + cellBusySinceMs, nowMs - workerStallMs);
    cells.store(workerCell(3) + cellTickMs, nowMs - workerStallMs - 1);
    cells.store(workerCell(4) + cellTickMs, nowMs - 10);
    expect(stalledWorkers(cells, 5, nowMs)).to.deep.equal([1, 3]);
  });
});

describe('map waiters', () => {
  const from = (actor: string) => ({ host: '@c', worker: 0, actor });
  const waiter = (actor: string, after: number, untilMs = 1000) => ({ from: from(actor), request: 1, after, untilMs });

  it('E1: each is answered once: by news, by time, or replaced by the next of the same asker', () => {
    const waiters = new MapWaiters();
    waiters.add(waiter('a', 5));
    waiters.add(waiter('b', 7));
    waiters.add({ ...waiter('a', 5), request: 2 });
    expect(waiters.take(6, 0).map((each) => each.request)).to.deep.equal([2]);
    expect(waiters.nextMs()).to.equal(1000);
    expect(waiters.take(6, 1000)).to.have.length(1);
    expect(waiters.size).to.equal(0);
  });

  it('E2: there is room for so many, and one more is refused', () => {
    const waiters = new MapWaiters();
    for (let i = 0; i < waiterCountMax; i++) expect(waiters.add(waiter(`a${i}`, 1))).to.equal(true);
    expect(waiters.add(waiter('one more', 1))).to.equal(false);
    expect(waiters.add(waiter('a0', 2)), 'a replacement has room').to.equal(true);
  });
});

describe('status rounds', () => {
  const from = { host: '@c', worker: 0, actor: 'x' };
  const status = (partition: number) => ({ partition }) as never;

  it('E4: a round ends with the last answer, or with its time; answers that are late or repeated change nothing', () => {
    const rounds = new StatusRounds();
    const first = rounds.begin(from, 1, [1, 2], 0);
    rounds.begin(from, 2, [1], 0);
    rounds.answer(first?.number ?? 0, status(1));
    rounds.answer(first?.number ?? 0, status(1));
    expect(rounds.take(10)).to.have.length(0);
    rounds.answer(first?.number ?? 0, status(2));
    expect(rounds.take(10).map((round) => [round.request, round.replicas.length])).to.deep.equal([[1, 2]]);
    expect(rounds.take(300).map((round) => [round.request, round.replicas.length])).to.deep.equal([[2, 0]]);
    expect(rounds.isIdle).to.equal(true);
  });

  it('E5: only so many at a time', () => {
    const rounds = new StatusRounds();
    for (let i = 0; i < 64; i++) expect(rounds.begin(from, i, [1], 0)).to.not.equal(undefined);
    expect(rounds.begin(from, 65, [1], 0)).to.equal(undefined);
  });
});

describe('member finder', () => {
  it('follows hints, goes on when they are of no use, and learns new members', () => {
    const finder = new MemberFinder(
      [
        { id: 'a.1', host: 'a' },
        { id: 'b.1', host: 'b' },
      ],
      'z',
      0,
    );
    expect(finder.address).to.deep.equal({ host: 'a', worker: 0, actor: 'metadata' });
    finder.follow('c');
    expect(finder.address.host).to.equal('c');
    finder.follow('c'); // it names itself, and does not lead
    expect(finder.address.host).to.equal('a');
    finder.follow(undefined);
    expect(finder.address.host).to.equal('b');
    finder.learn(['d']);
    finder.rotate();
    expect(finder.address.host).to.equal('d');
  });

  it('begins with what another one knows, and forgets nobody', () => {
    const started = (): MemberFinder => new MemberFinder([{ id: 'a.1', host: 'a' }], 'z', 0);
    const other = started();
    other.learn(['b', 'c']);
    other.settle('c');
    expect(other.known).to.deep.equal(['c', 'b', 'a']);
    const finder = started();
    finder.learn(['d']);
    finder.beginWith([]);
    expect(finder.address.host).to.equal('a');
    finder.beginWith(other.known);
    const asked = [finder.address.host];
    while (asked.length < 4) {
      finder.rotate();
      asked.push(finder.address.host);
    }
    expect(asked).to.deep.equal(['c', 'b', 'a', 'd']);
  });

  it('without seeds asks its own host', () => {
    expect(new MemberFinder([], 'me', 3).address.host).to.equal('me');
  });
});

describe('map server', () => {
  it('E3: whoever asks has the copy’s map afterwards, also from before a deletion', () => {
    const store = new MapStore('c');
    hostUp(store, 1, 'h1');
    applyCommand(store, 2, { kind: 'create-table', name: 'a', options: { partitions: 1 }, ifMissing: false });
    const copy = new MapCopy('c');
    const server = new MapServer(copy);
    const other = new MapCopy('c');
    const sync = (): void => {
      const before = copy.revision;
      server.noteChange(copy.apply(store.deltaSince(before, groupOfOne)), before);
    };
    sync();
    expect(other.apply(server.deltaSince(0)).kind).to.equal('applied');
    applyCommand(store, 3, { kind: 'create-table', name: 'b', options: { partitions: 1 }, ifMissing: false });
    sync();
    expect(server.deltaSince(other.revision).tables.map((table) => table.name)).to.deep.equal(['b']);
    applyCommand(store, 4, { kind: 'delete-table', name: 'a' });
    sync();
    other.apply(server.deltaSince(other.revision));
    expect([...other.tables.keys()]).to.deep.equal(['b']);
    expect([...other.partitions.keys()]).to.deep.equal([...copy.partitions.keys()]);
  });
});

describe('assignments', () => {
  const worker = 0;

  function copyWith(prepare: (store: MapStore) => void): MapCopy {
    const store = new MapStore('c');
    prepare(store);
    const copy = new MapCopy('c');
    copy.apply(store.deltaSince(0, groupOfOne));
    return copy;
  }

  const withTable = (store: MapStore): void => {
    hostUp(store, 1, 'h1');
    applyCommand(store, 2, { kind: 'create-table', name: 'a', options: { partitions: 2 }, ifMissing: false });
  };
  const self = { host: 'h1', worker, epoch: 1 };
  const report = { partition: 1, incarnation: 1, verdict: 'complete', lineage: 1, lastEpoch: 0, end: 0 } as const;
  const running = new Map([[1, { partition: 1, incarnation: 0 }]]);

  it('O1: without this process’s registration in the map nothing follows from it, least of all a stop (M13)', () => {
    expect(assignmentsOf(new MapCopy('c'), self, running, new Map(), new Map())).to.equal(undefined);
    const copy = copyWith(withTable);
    expect(assignmentsOf(copy, { ...self, epoch: 9 }, running, new Map(), new Map())).to.equal(undefined);
  });

  it('O1: what a committed map does not assign here is stopped', () => {
    const copy = copyWith((store) => hostUp(store, 1, 'h1'));
    expect(assignmentsOf(copy, self, running, new Map(), new Map())?.stop).to.deep.equal([1]);
  });

  it('starts what is assigned to this worker', () => {
    const copy = copyWith(withTable);
    const work = assignmentsOf(copy, self, new Map(), new Map(), new Map());
    expect(work?.start.map((each) => [each.partition.id, each.epoch])).to.deep.equal([
      [1, 2],
      [2, 2],
    ]);
  });

  it('O3: a replica that the map does not know is registered with its report', () => {
    const copy = copyWith(withTable);
    const work = assignmentsOf(copy, self, running, new Map([[1, report]]), new Map([[1, 2]]));
    expect(work?.register).to.deep.equal([report]);
    expect(work?.tell).to.deep.equal([]);
  });

  it('O2: a record is told only to the incarnation that it names', () => {
    const copy = copyWith((store) => {
      withTable(store);
      applyCommand(store, 3, { kind: 'register-replicas', host: 'h1', epoch: 1, replicas: [report], holds: [] });
    });
    const told = (incarnation: number): readonly number[] | undefined =>
      assignmentsOf(copy, self, new Map([[1, { partition: 1, incarnation }]]), new Map(), new Map([[1, 2]]))?.tell.map(
        (each) => each.partition.id,
      );
    expect(told(0)).to.deep.equal([1]);
    expect(told(1), 'a restarted one').to.deep.equal([]);
  });

  it('O4: a place that nobody claimed is not for a replica of an earlier assignment (R15)', () => {
    const copy = copyWith(withTable);
    const work = assignmentsOf(copy, self, running, new Map([[1, report]]), new Map([[1, 1]]));
    expect(work?.stop).to.deep.equal([1]);
    expect(work?.register).to.deep.equal([]);
  });

  it('knows replicas by their names', () => {
    expect(partitionOfActor('partition-12')).to.equal(12);
    for (const name of ['manager', 'partition-', 'partition-x', 'partition-01', 'x-partition-1', 'partition--1'])
      expect(partitionOfActor(name), name).to.equal(undefined);
  });
});

describe('lease timing', () => {
  it('L1: D ≤ W(1-rho)/(1+rho) - margin is asserted where the numbers are', () => {
    expect(leaseWaitMs).to.equal(1500);
  });
});
