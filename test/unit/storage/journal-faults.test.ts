import { expect } from 'chai';
import { seededRandom } from '../../../runtime/std/random.js';
import { CrashDisk } from '../../support/crash-disk.js';
import { openOn, replayText, snapshotNow, text } from '../../support/journal-on-crash-disk.js';

const segmentFiles = (disk: CrashDisk): string[] =>
  disk.list('w0/generation-0000000001').filter((name) => name.startsWith('segment'));

describe('journal on a failing disk', () => {
  for (const kind of ['write', 'sync', 'close'] as const) {
    it(`W3 D11: after a failed ${kind} nothing is durable any more, and the next start trusts nothing`, () => {
      const open = openOn(new CrashDisk(), { limits: { segmentBytes: 1024 } });
      const { journal, disk, told } = open;
      journal.openStream('a', 'k', text(''));
      journal.append('a', 1, text('durable'));
      journal.flush();
      disk.run();
      expect(open.durable).to.equal(1);
      let failures = 0;
      disk.fault = (operation) => (operation.kind === kind && failures++ === 0 ? 'EIO' : undefined);
      for (let i = 0; i < 40; i++) {
        journal.append('a', 1, text(`record ${i}`));
        journal.flush();
        disk.run();
        if (failures > 0) break;
      }
      const { durable } = open;
      expect(told).to.have.length(1);
      expect(told[0]).to.match(/^fatal/);
      // The error is gone, as errors of fsync are; the journal does not believe it.
      let wasIdle = false;
      journal.whenIdle(() => {
        wasIdle = true;
      });
      for (let i = 0; i < 5; i++) journal.append('a', 1, text('too late'));
      journal.flush();
      disk.run();
      expect(open.durable).to.equal(durable);
      expect(told).to.have.length(1);
      expect(wasIdle).to.equal(false);
      const again = openOn(disk.kill());
      expect(again.summary).to.deep.include({ end: 'corrupt', generation: 2 });
      expect(again.streams.map(({ name, report }) => [name, report.end])).to.deep.equal([['a', 'corrupt']]);
      // The mark was for that generation only.
      expect(openOn(again.disk.kill()).summary).to.deep.include({ end: 'clean', generation: 2 });
    });
  }

  it('D11: an error while beginning is fatal too', () => {
    const disk = new CrashDisk();
    disk.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined);
    const open = openOn(disk);
    expect(open.told).to.deep.equal(['fatal sync w0/generation-0000000001/segment-0000000001']);
  });

  it('Y1 Y2 D14: a full disk is told while there is still room, and what was appended waits for space', () => {
    const open = openOn(new CrashDisk(), { limits: { segmentBytes: 1024 } });
    const { journal, disk, told } = open;
    disk.fault = ({ kind }) => (kind === 'create' ? 'ENOSPC' : undefined);
    journal.openStream('a', 'k', text(''));
    let appended = 0;
    const append = (): void => {
      journal.append('a', 1, text(`record ${appended++} ${'x'.repeat(40)}`));
      journal.flush();
      disk.run();
    };
    while (!journal.isShortOfSpace) append();
    expect(told, 'whoever keeps the oldest records is asked to let go of them').to.deep.equal(['short', 'pressure a']);
    append();
    expect(open.durable, 'the current segment still takes what fits').to.equal(appended);
    while (open.durable === appended) append();
    for (let i = 0; i < 10; i++) append();
    expect(journal.bufferedBytes).to.be.greaterThan(0);
    journal.retrySpace();
    disk.run();
    expect(told, 'said once').to.deep.equal(['short', 'pressure a', 'full']);
    expect(open.durable).to.be.lessThan(appended);
    disk.fault = () => undefined;
    journal.retrySpace();
    disk.run();
    expect(told).to.deep.equal(['short', 'pressure a', 'full', 'enough']);
    expect(open.durable).to.equal(appended);
    expect(journal.bufferedBytes).to.equal(0);
    const again = openOn(disk.kill(), { limits: { segmentBytes: 1024 } });
    expect(again.summary.end).to.equal('clean');
    expect(replayText(again.journal, 'a').records).to.have.length(appended);
  });

  it('D14: more than the bound waiting for the disk is fatal, not endless', () => {
    const open = openOn(new CrashDisk(), { limits: { segmentBytes: 1024, bufferedBytesMax: 4096 } });
    open.journal.openStream('a', 'k', text(''));
    for (let i = 0; i < 100; i++) open.journal.append('a', 1, text('x'.repeat(100)));
    open.disk.run();
    expect(open.told).to.have.length(1);
    expect(open.told[0]).to.match(/^fatal .* bytes wait for a disk/);
  });

  it('P1 P2 D14: a snapshot waits for space, and is durable only when it is', () => {
    const open = openOn(new CrashDisk());
    const { journal, disk } = open;
    journal.openStream('a', 'k', text(''));
    journal.append('a', 1, text('record'));
    journal.flush();
    disk.run();
    let failures = 0;
    for (const kind of ['create', 'write', 'rename'] as const) {
      disk.fault = (operation) => {
        if (operation.kind !== kind || !operation.path.includes('snapshot')) return undefined;
        failures++;
        return 'ENOSPC';
      };
      expect(snapshotNow(open, 'a', 1, `without ${kind}`, [])).to.equal(false);
      expect(failures).to.be.greaterThan(0);
      disk.fault = () => undefined;
      journal.retrySpace();
      disk.run();
      const again = openOn(disk.clone());
      expect(replayText(again.journal, 'a').snapshot).to.equal(`without ${kind}`);
    }
    expect(open.told).to.deep.equal([]);
  });

  it('P1: an aborted snapshot says nothing and leaves nothing', () => {
    for (const when of ['at once', 'while stalled', 'after a chunk', 'while committing'] as const) {
      const open = openOn(new CrashDisk());
      const { journal, disk } = open;
      journal.openStream('a', 'k', text(''));
      journal.flush();
      disk.run();
      if (when === 'while stalled')
        disk.fault = ({ kind, path }) => (kind === 'write' && path.includes('snapshot') ? 'ENOSPC' : undefined);
      const writer = journal.beginSnapshot('a', 0, text('meta'));
      let isDurable = false;
      if (when !== 'at once') {
        writer.append(text('chunk'), () => undefined);
        disk.run();
      }
      if (when === 'while committing') {
        writer.commit(() => {
          isDurable = true;
        });
        for (let step = 0; step < 3; step++) disk.step();
      }
      writer.abort();
      disk.run();
      journal.retrySpace();
      disk.run();
      expect(isDurable, when).to.equal(false);
      expect(
        disk.paths().filter((path) => path.includes('snapshot')),
        when,
      ).to.deep.equal([]);
      let closed = false;
      journal.close(() => {
        closed = true;
      });
      disk.run();
      expect(closed, when).to.equal(true);
    }
  });
});

describe('journal', () => {
  it('C1: what is appended while a batch is with the disk is the next batch, and follows by itself', () => {
    const open = openOn(new CrashDisk());
    const { journal, disk } = open;
    journal.openStream('a', 'k', text(''));
    journal.flush();
    disk.run();
    disk.log.length = 0;
    journal.append('a', 1, text('first'));
    journal.flush();
    for (let i = 0; i < 100; i++) {
      journal.append('a', 1, text(`record ${i}`));
      journal.flush();
    }
    disk.run();
    expect(open.durable).to.equal(101);
    expect(disk.log.filter(({ kind }) => kind === 'sync')).to.have.length(2);
  });

  it('C2: a batch larger than its bound becomes several, and a record larger than a segment gets one of its size', () => {
    const limits = { segmentBytes: 4096, batchBytesMax: 1000 };
    const open = openOn(new CrashDisk(), { limits });
    const { journal, disk } = open;
    journal.openStream('a', 'k', text(''));
    for (let i = 0; i < 50; i++) journal.append('a', 1, text(`record ${i} ${'x'.repeat(80)}`));
    journal.append('a', 1, text('y'.repeat(100_000)));
    journal.append('a', 1, text('last'));
    journal.flush();
    disk.run();
    expect(open.durable).to.equal(52);
    expect(disk.log.filter(({ kind }) => kind === 'sync').length).to.be.greaterThan(5);
    const again = openOn(disk.kill(), { limits });
    const { records } = replayText(again.journal, 'a');
    expect(records).to.have.length(52);
    expect(records[50]).to.have.length(100_003);
  });

  it('Q2: asks the streams that keep the oldest segment for snapshots, once until they move', () => {
    const limits = { segmentBytes: 1024, journalBytesMax: 8 * 1024, pressuredStreamsMax: 2 };
    const open = openOn(new CrashDisk(), { limits });
    const { journal, disk, told } = open;
    for (const name of ['a', 'b', 'c', 'busy']) journal.openStream(name, 'k', text(''));
    for (const name of ['a', 'b', 'c']) journal.append(name, 1, text('old'));
    const churn = (): void => {
      for (let i = 0; i < 200; i++) {
        journal.append('busy', 1, text(`record ${i} ${'x'.repeat(60)}`));
        journal.flush();
        disk.run();
      }
    };
    churn();
    const untrimmed = journal.journalBytes;
    expect(told).to.deep.equal(['pressure a', 'pressure b']);
    for (const name of ['a', 'b', 'c']) snapshotNow(open, name, journal.nextLsn, 'state', []);
    churn();
    expect(told.slice(0, 4)).to.deep.equal(['pressure a', 'pressure b', 'pressure c', 'pressure busy']);
    snapshotNow(open, 'busy', journal.nextLsn, 'state', []);
    churn();
    expect(journal.journalBytes, 'of three rounds one is left').to.be.lessThan(1.5 * untrimmed);
    expect(openOn(disk.kill(), { limits }).summary.end).to.equal('clean');
  });

  it('W5: a closed stream goes with its snapshots, and its name may be opened again', () => {
    const open = openOn(new CrashDisk(), { limits: { segmentBytes: 1024 } });
    const { journal, disk } = open;
    journal.openStream('a', 'k', text(''));
    journal.append('a', 1, text('old'));
    snapshotNow(open, 'a', 1, 'state', ['chunk']);
    journal.closeStream('a');
    journal.openStream('a', 'k', text(''));
    journal.append('a', 1, text('new'));
    journal.flush();
    disk.run();
    expect(disk.paths().filter((path) => path.includes('snapshot'))).to.deep.equal([]);
    expect(replayText(journal, 'a')).to.deep.include({ snapshot: undefined, records: ['1 new'] });
    const again = openOn(disk.kill(), { limits: { segmentBytes: 1024 } });
    expect(again.streams).to.have.length(1);
    expect(replayText(again.journal, 'a')).to.deep.include({ snapshot: undefined, records: ['1 new'] });
  });

  it('G1 G2: the registry outlives the segments that it was written in', () => {
    const limits = { segmentBytes: 2048 };
    const open = openOn(new CrashDisk(), { limits });
    const { journal, disk } = open;
    for (let i = 0; i < 12; i++) journal.openStream(`quiet-${i}`, 'kind', text(`args ${i}`));
    journal.openStream('busy', 'kind', text(''));
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 60; i++) {
        journal.append('busy', 1, text('x'.repeat(100)));
        journal.flush();
        disk.run();
      }
      snapshotNow(open, 'busy', journal.nextLsn, `state ${round}`, []);
    }
    expect(segmentFiles(disk)).to.not.include('segment-0000000001');
    expect(disk.paths().filter((path) => path.includes('snapshot'))).to.have.length(2);
    const again = openOn(disk.kill(), { limits });
    expect(again.summary.end).to.equal('clean');
    expect(again.streams).to.have.length(13);
    const quiet = again.streams.find(({ name }) => name === 'quiet-7');
    expect([quiet?.kind, new TextDecoder().decode(quiet?.args)]).to.deep.equal(['kind', 'args 7']);
  });

  it('reads an interleaved journal once, however many streams it has', () => {
    const limits = { segmentBytes: 64 * 1024 };
    const open = openOn(new CrashDisk(), { limits });
    const { journal, disk } = open;
    const random = seededRandom('many streams');
    const names = Array.from({ length: 300 }, (_, i) => `stream-${i}`);
    for (const name of names) journal.openStream(name, 'k', text(''));
    for (let i = 0; i < 6000; i++) {
      journal.append(random.pick(names), 1, text(`record ${i} ${'x'.repeat(random.below(300))}`));
      if (i % 50 === 0) {
        journal.flush();
        disk.run();
      }
    }
    journal.flush();
    disk.run();
    const again = openOn(disk.kill(), { limits });
    const total = again.journal.journalBytes;
    again.disk.readBytes = 0;
    let recordCount = 0;
    for (const name of names) recordCount += replayText(again.journal, name).records.length;
    expect(recordCount).to.equal(6000);
    expect(again.disk.readBytes).to.be.lessThan(2 * total);
  });

  it('is idle only when it has begun and nothing waits', () => {
    const open = openOn(new CrashDisk(), {}, false);
    const { journal, disk } = open;
    let idle = 0;
    journal.whenIdle(() => idle++);
    expect(idle).to.equal(0);
    expect(() => journal.replay('a', { snapshot() {}, snapshotChunk() {}, record() {} })).to.throw('idle');
    disk.run();
    expect(idle).to.equal(1);
    journal.openStream('a', 'k', text(''));
    journal.flush();
    journal.whenIdle(() => idle++);
    expect(idle).to.equal(1);
    disk.run();
    expect(idle).to.equal(2);
    journal.whenIdle(() => idle++);
    expect(idle).to.equal(3);
  });

  it('leaves an unused segment as a spare for the next start', () => {
    const open = openOn(new CrashDisk());
    open.journal.close(() => undefined);
    open.disk.run();
    const before = segmentFiles(open.disk);
    expect(before).to.have.length(2);
    const creates = (disk: CrashDisk): number => disk.log.filter(({ kind }) => kind === 'create').length;
    const again = openOn(open.disk.kill());
    expect(creates(again.disk)).to.equal(1); // only the next spare
    expect(again.streams).to.deep.equal([]);
  });
});
