// What a journal does, in every world (runtime/contract/journal.ts)
// =============================================================================

import { expect } from 'chai';
import type { Journal, JournalListener, RecoveredStream, RecoveryReport } from '../../runtime/contract/journal.js';

export interface JournalHarness {
  /** Opens the journal of this harness, for the first time or again; it has begun when this resolves. */
  open(listener: JournalListener): Promise<{ readonly journal: Journal; readonly streams: readonly RecoveredStream[] }>;
  /** Lets operations go on. Called again and again until what was waited for came. */
  settle(): void | Promise<void>;
  /** Ends the present process without a word; `open` is the next one's. */
  kill(): void | Promise<void>;
  cleanup(): void | Promise<void>;
}

export function describeJournal(name: string, make: () => JournalHarness | Promise<JournalHarness>): void {
  describe(`journal contract: ${name}`, () => {
    let harness: JournalHarness;
    let journal: Journal;
    let streams: readonly RecoveredStream[];
    let durableLsn = 0;
    const listener: JournalListener = {
      durable: (lsnEnd) => {
        expect(lsnEnd, 'what is durable only grows').to.be.at.least(durableLsn);
        durableLsn = lsnEnd;
      },
      pressure: () => undefined,
      fatal: (error) => {
        throw error;
      },
    };

    const open = async (): Promise<void> => {
      ({ journal, streams } = await harness.open(listener));
    };
    const until = async (condition: () => boolean): Promise<void> => {
      for (let turn = 0; !condition(); turn++) {
        if (turn > 10_000) throw new Error('it never happens');
        await harness.settle();
      }
    };
    const idle = async (): Promise<void> => {
      let isIdle = false;
      journal.flush();
      journal.whenIdle(() => {
        isIdle = true;
      });
      await until(() => isIdle);
    };
    const close = async (): Promise<void> => {
      let isClosed = false;
      journal.close(() => {
        isClosed = true;
      });
      await until(() => isClosed);
    };
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    const replay = (stream: string): { readonly report: RecoveryReport; readonly read: readonly string[] } => {
      const read: string[] = [];
      const decoder = new TextDecoder();
      const report = journal.replay(stream, {
        snapshot: (meta) => read.push(`snapshot ${decoder.decode(meta)}`),
        snapshotChunk: (chunk) => read.push(`chunk ${decoder.decode(chunk)}`),
        record: ({ lsn, type, payload }) => read.push(`${lsn} ${type} ${decoder.decode(payload)}`),
      });
      return { report, read };
    };
    const snapshot = async (stream: string, from: number, meta: string, chunks: readonly string[]): Promise<void> => {
      const writer = journal.beginSnapshot(stream, from, bytes(meta));
      for (const chunk of chunks) {
        let isAccepted = false;
        writer.append(bytes(chunk), () => {
          isAccepted = true;
        });
        await until(() => isAccepted);
      }
      let isDurable = false;
      writer.commit(() => {
        isDurable = true;
      });
      await until(() => isDurable);
    };

    beforeEach(async () => {
      durableLsn = 0;
      harness = await make();
      await open();
    });
    afterEach(() => harness.cleanup());

    it('begins empty', () => {
      expect(streams).to.deep.equal([]);
      expect(journal.nextLsn).to.equal(0);
    });

    it('numbers records of all streams in one row, and says when they are durable', async () => {
      journal.openStream('a', 'k', bytes(''));
      journal.openStream('b', 'k', bytes(''));
      expect(journal.append('a', 1, bytes('first'))).to.equal(0);
      expect(journal.nextLsn).to.equal(1);
      expect(journal.append('b', 2, bytes('second'))).to.equal(1);
      expect(durableLsn).to.equal(0);
      journal.flush();
      await until(() => durableLsn === 2);
      expect(journal.durableLsn).to.equal(2);
    });

    it('copies what is appended', async () => {
      journal.openStream('a', 'k', bytes(''));
      const payload = bytes('kept');
      journal.append('a', 1, payload);
      payload.fill(0);
      await idle();
      expect(replay('a').read).to.deep.equal(['0 1 kept']);
    });

    it('brings streams back with kind, arguments and records, after a close and after a kill', async () => {
      journal.openStream('a', 'kind-a', bytes('arguments'));
      journal.openStream('b', 'kind-b', bytes(''));
      for (let i = 0; i < 10; i++) journal.append(i % 2 === 0 ? 'a' : 'b', i, bytes(`record ${i}`));
      await idle();
      for (const isClean of [true, false]) {
        if (isClean) await close();
        await harness.kill();
        await open();
        expect(streams.map(({ name: of, kind, args }) => [of, kind, new TextDecoder().decode(args)])).to.deep.equal([
          ['a', 'kind-a', 'arguments'],
          ['b', 'kind-b', ''],
        ]);
        for (const { report } of streams)
          expect(report).to.deep.include({ end: 'clean', cleanShutdown: isClean, sameBoot: true, recordCount: 5 });
        expect(replay('a').read).to.deep.equal([0, 2, 4, 6, 8].map((i) => `${i} ${i} record ${i}`));
        expect(replay('b')).to.deep.include({ read: [1, 3, 5, 7, 9].map((i) => `${i} ${i} record ${i}`) });
        expect(journal.nextLsn).to.equal(10);
      }
    });

    it('goes on behind what was there', async () => {
      journal.openStream('a', 'k', bytes(''));
      journal.append('a', 1, bytes('old'));
      await idle();
      await harness.kill();
      await open();
      replay('a');
      expect(journal.append('a', 1, bytes('new'))).to.equal(1);
      await idle();
      await harness.kill();
      await open();
      expect(replay('a').read).to.deep.equal(['0 1 old', '1 1 new']);
    });

    it('replays a snapshot and what came after it', async () => {
      journal.openStream('a', 'k', bytes(''));
      for (let i = 0; i < 3; i++) journal.append('a', 1, bytes(`record ${i}`));
      await idle();
      await snapshot('a', 2, 'state', ['one', 'two']);
      journal.append('a', 1, bytes('after'));
      await idle();
      const expected = ['snapshot state', 'chunk one', 'chunk two', '2 1 record 2', '3 1 after'];
      expect(replay('a').read).to.deep.equal(expected);
      await harness.kill();
      await open();
      expect(replay('a')).to.deep.include({ read: expected });
    });

    it('keeps the older snapshot in force until the newer is committed, and when it is aborted', async () => {
      journal.openStream('a', 'k', bytes(''));
      journal.append('a', 1, bytes('record'));
      await idle();
      await snapshot('a', 1, 'older', []);
      const writer = journal.beginSnapshot('a', 1, bytes('newer'));
      writer.append(bytes('chunk'), () => undefined);
      await idle();
      expect(replay('a').read).to.deep.equal(['snapshot older']);
      writer.abort();
      await idle();
      await harness.kill();
      await open();
      expect(replay('a').read).to.deep.equal(['snapshot older']);
    });

    it('has all that was appended before a snapshot was committed when that is durable, so no number below it is given out again', async () => {
      journal.openStream('a', 'k', bytes(''));
      journal.append('a', 1, bytes('older'));
      await idle();
      journal.append('a', 1, bytes('covered'));
      const from = journal.nextLsn; // nothing of it was flushed yet
      await snapshot('a', from, 'state', []);
      await harness.kill();
      await open();
      expect(journal.nextLsn).to.be.at.least(from);
      journal.append('a', 1, bytes('after'));
      await idle();
      await harness.kill();
      await open();
      expect(replay('a').read).to.deep.equal(['snapshot state', `${from} 1 after`]);
    });

    it('forgets a closed stream, and lets its name be used again', async () => {
      journal.openStream('a', 'k', bytes(''));
      journal.openStream('b', 'k', bytes(''));
      journal.append('a', 1, bytes('old'));
      await idle();
      await snapshot('a', 1, 'state', []);
      journal.closeStream('a');
      await idle();
      await harness.kill();
      await open();
      expect(streams.map(({ name: of }) => of)).to.deep.equal(['b']);
      journal.openStream('a', 'k2', bytes(''));
      journal.append('a', 1, bytes('new'));
      await idle();
      await harness.kill();
      await open();
      expect(replay('a').read).to.deep.equal(['1 1 new']);
    });

    it('is idle when nothing is buffered or under way', async () => {
      let calls = 0;
      journal.whenIdle(() => calls++);
      await until(() => calls === 1);
      journal.openStream('a', 'k', bytes(''));
      journal.append('a', 1, bytes('record'));
      journal.flush();
      journal.whenIdle(() => {
        expect(durableLsn).to.equal(1);
        calls++;
      });
      expect(calls).to.equal(1);
      await until(() => calls === 2);
    });
  });
}
