import { expect } from 'chai';
import type { JournalListener } from '../../../runtime/contract/journal.js';
import { ModelJournal, ModelJournalStore } from '../../../runtime/simulation/model-journal.js';
import { Scheduler } from '../../../runtime/simulation/scheduler.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { describeJournal } from '../../contract/journal.js';

class Bench {
  readonly scheduler = new Scheduler(seededRandom('scheduler'));
  readonly store = new ModelJournalStore();
  readonly disk = { syncMeanMs: 1, slowness: 1, hungUntilMs: 0, failNextSync: false, failSyncs: false, parked: [] };
  readonly told: number[] = [];
  readonly failures: Error[] = [];

  readonly #listener: JournalListener = {
    durable: (lsnEnd) => void this.told.push(lsnEnd),
    pressure: () => undefined,
    fatal: (error) => void this.failures.push(error),
  };

  open(seed: string, listener = this.#listener): ModelJournal {
    return new ModelJournal(this.store, this.scheduler, seededRandom(seed), listener, this.disk);
  }

  drain(): void {
    while (this.scheduler.step()) continue;
  }

  records(journal: ModelJournal, stream: string): number[] {
    const values: number[] = [];
    journal.replay(stream, {
      snapshot: (meta) => void values.push(-(meta[0] ?? 0)),
      snapshotChunk: (chunk) => void values.push(1000 + (chunk[0] ?? 0)),
      record: ({ payload }) => void values.push(payload[0] ?? 0),
    });
    return values;
  }
}

describeJournal('model', () => {
  const bench = new Bench();
  let journal: ModelJournal | undefined;
  let lives = 0;
  return {
    open: async (listener) => {
      journal = bench.open(`life ${lives++}`, listener);
      return { journal, streams: journal.recoveredStreams() };
    },
    settle: () => void bench.scheduler.step(),
    kill: () => journal?.abandon(),
    cleanup: () => undefined,
  };
});

describe('the model journal', () => {
  it('Y1. has everything that was called durable, in order, and a part of what was under way', () => {
    const kept = new Set<number>();
    for (let seed = 0; seed < 30; seed++) {
      const bench = new Bench();
      const journal = bench.open(`${seed}`);
      journal.openStream('s', 'kind', Uint8Array.of(9));
      for (let n = 0; n < 5; n++) expect(journal.append('s', 1, Uint8Array.of(n))).to.equal(n);
      journal.flush();
      bench.drain();
      expect(bench.told).to.deep.equal([5]);
      for (let n = 5; n < 8; n++) journal.append('s', 1, Uint8Array.of(n));
      journal.flush();
      journal.append('s', 1, Uint8Array.of(99));
      journal.abandon();
      bench.drain();
      const next = bench.open('next');
      const [stream] = next.recoveredStreams();
      expect(stream).to.include({ name: 's', kind: 'kind' });
      const values = bench.records(next, 's');
      expect(values).to.deep.equal(Array.from({ length: values.length }, (_, n) => n));
      expect(next.nextLsn).to.equal(values.length);
      kept.add(values.length);
    }
    expect([...kept].sort((a, b) => a - b)).to.deep.equal([5, 6, 7, 8]);
  });

  it('Y2. calls nobody back and writes nothing once it is abandoned', () => {
    const bench = new Bench();
    const journal = bench.open('a');
    journal.openStream('s', 'kind', emptyBytes);
    journal.flush();
    bench.drain();
    const before = bench.told.length;
    journal.append('s', 1, Uint8Array.of(1));
    const writer = journal.beginSnapshot('s', 0, emptyBytes);
    let called = 0;
    writer.commit(() => called++);
    journal.whenIdle(() => called++);
    journal.abandon();
    journal.flush();
    bench.drain();
    expect(called).to.equal(0);
    expect(bench.told.length).to.equal(before);
    expect(bench.records(bench.open('b'), 's')).to.deep.equal([]);
  });

  it('replays a snapshot and what came after, and forgets a closed stream', () => {
    const bench = new Bench();
    const journal = bench.open('a');
    journal.openStream('s', 'kind', emptyBytes);
    for (let n = 1; n <= 4; n++) journal.append('s', 1, Uint8Array.of(n));
    const writer = journal.beginSnapshot('s', 2, Uint8Array.of(7));
    writer.append(Uint8Array.of(1), () => writer.commit(() => undefined));
    journal.flush();
    bench.drain();
    expect(bench.records(journal, 's')).to.deep.equal([-7, 1001, 3, 4]);
    journal.closeStream('s');
    journal.flush();
    bench.drain();
    expect(bench.open('b').recoveredStreams()).to.deep.equal([]);
  });

  it('is fatal when a sync fails, and says nothing is durable any more', () => {
    const bench = new Bench();
    const journal = bench.open('a');
    journal.openStream('s', 'kind', emptyBytes);
    bench.disk.failNextSync = true;
    journal.flush();
    bench.drain();
    expect(bench.failures).to.have.length(1);
    expect(bench.told).to.deep.equal([]);
  });
});
