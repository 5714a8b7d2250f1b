import { expect } from 'chai';
import { CrashDisk } from '../../support/crash-disk.js';
import { openOn, replayText, snapshotNow, text } from '../../support/journal-on-crash-disk.js';

describe('journal', () => {
  it('gives back what was appended, stream by stream, after a clean shutdown', () => {
    const first = openOn(new CrashDisk());
    expect(first.summary.end).to.equal('fresh');
    const { journal, disk } = first;
    journal.openStream('a', 'kind-a', text('args'));
    journal.openStream('b', 'kind-b', text(''));
    for (let i = 0; i < 100; i++) {
      expect(journal.append(i % 3 === 0 ? 'a' : 'b', 7, text(`record ${i}`))).to.equal(i);
      if (i % 7 === 0) journal.flush();
      if (i % 11 === 0) disk.run();
    }
    journal.flush();
    disk.run();
    expect(first.durable).to.equal(100);
    let closed = false;
    journal.close(() => {
      closed = true;
    });
    disk.run();
    expect(closed).to.equal(true);

    const second = openOn(disk.clone());
    expect(second.summary.end).to.equal('clean');
    expect(second.streams.map(({ name, kind, report }) => [name, kind, report])).to.deep.equal([
      ['a', 'kind-a', { end: 'clean', cleanShutdown: true, sameBoot: true, recordCount: 34 }],
      ['b', 'kind-b', { end: 'clean', cleanShutdown: true, sameBoot: true, recordCount: 66 }],
    ]);
    const a = replayText(second.journal, 'a');
    expect(a.records).to.have.length(34);
    expect(a.records[1]).to.equal('3 record 3');
    expect(replayText(second.journal, 'b').records.at(-1)).to.equal('98 record 98');
    expect(second.journal.nextLsn).to.equal(100);
  });

  it('switches to a snapshot and trims what it covers', () => {
    const open = openOn(new CrashDisk());
    const { journal, disk } = open;
    journal.openStream('a', 'k', text(''));
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 100; i++) journal.append('a', 1, text(`round ${round} record ${i}`));
      journal.flush();
      disk.run();
      expect(snapshotNow(open, 'a', journal.nextLsn, `state ${round}`, ['x', 'y'])).to.equal(true);
    }
    journal.append('a', 1, text('last'));
    journal.flush();
    disk.run();
    const segments = disk.list('w0/generation-0000000001').filter((name) => name.startsWith('segment'));
    expect(segments.length).to.be.lessThan(6);
    const again = openOn(disk.clone());
    expect(again.summary.end).to.equal('clean');
    expect(replayText(again.journal, 'a')).to.deep.include({ snapshot: 'state 3|x|y', records: ['400 last'] });
  });
});
