// What is made of a journal that is gone or damaged, and of one whose start did not come about

import { expect } from 'chai';
import { diskIdOfGeneration } from '../../../runtime/storage/binding.js';
import { JournalDamagedError } from '../../../runtime/storage/journal.js';
import { CrashDisk } from '../../support/crash-disk.js';
import { type OpenTestJournal, openOn, replayText, snapshotNow, text } from '../../support/journal-on-crash-disk.js';

const first = 'w0/generation-0000000001';

/** Two streams with a record, a snapshot and another record each. */
function sample(): CrashDisk {
  const open = openOn(new CrashDisk());
  const { journal, disk } = open;
  for (const name of ['a', 'b']) {
    journal.openStream(name, `kind-${name}`, text(''));
    journal.append(name, 1, text('one'));
  }
  journal.flush();
  disk.run();
  for (const name of ['a', 'b']) expect(snapshotNow(open, name, journal.nextLsn, name, ['state'])).to.equal(true);
  for (const name of ['a', 'b']) journal.append(name, 1, text('two'));
  journal.flush();
  disk.run();
  return disk.kill();
}

function flip(disk: CrashDisk, path: string, at: number): void {
  const bytes = disk.bytes(path).slice();
  bytes[at] = (bytes[at] as number) ^ 1;
  disk.setBytes(path, bytes);
}

function snapshotsOf(disk: CrashDisk, stream: number): string[] {
  return disk.paths().filter((path) => path.includes(`snapshot-000000000${stream}-`));
}

function contents(disk: CrashDisk): string[] {
  return disk.paths().map((path) => `${path} ${Buffer.from(disk.bytes(path)).toString('base64')}`);
}

describe('a journal that lost something', () => {
  it('D9: one that is gone is as bad as a damaged one to whoever knows that it was there', () => {
    expect(openOn(new CrashDisk()).summary).to.include({ end: 'fresh', generation: 1 });
    const open = openOn(new CrashDisk(), { mustExist: true });
    expect(open.summary).to.include({ end: 'corrupt', generation: 2, reason: 'the journal is gone' });
    expect(open.streams).to.deep.equal([]);
    const again = openOn(open.disk.kill(), { mustExist: true });
    expect(again.summary, 'that it was begun again can be seen for ever').to.include({ end: 'clean', generation: 2 });
  });

  it('D9: zeros where a journal was are no new journal', () => {
    const disk = sample();
    for (const path of disk.paths()) disk.setBytes(path, new Uint8Array(disk.bytes(path).length));
    expect(openOn(disk.clone(), { mustExist: true }).summary).to.include({ end: 'corrupt', generation: 2 });
  });

  for (const [what, damage] of [
    ['a flipped bit', (disk: CrashDisk) => flip(disk, `${first}/segment-0000000001`, 200)],
    [
      'a stream without a readable snapshot',
      (disk: CrashDisk) => snapshotsOf(disk, 1).forEach((at) => flip(disk, at, 60)),
    ],
  ] as const) {
    it(`D9: ${what} is refused on demand, and nothing is changed`, () => {
      const disk = sample();
      damage(disk);
      const before = contents(disk);
      expect(() => openOn(disk, { refuseDamage: true }, false)).to.throw(JournalDamagedError, first);
      expect(contents(disk)).to.deep.equal(before);
      expect(openOn(disk).streams.some(({ report }) => report.end === 'corrupt')).to.equal(true);
    });
  }

  it('D8: who refuses damage takes a clean and a torn journal', () => {
    expect(openOn(sample(), { refuseDamage: true }).summary.end).to.equal('clean');
    const torn = sample();
    const path = `${first}/segment-0000000001`;
    const bytes = torn.bytes(path).slice();
    bytes.fill(7, bytes.length - 64);
    torn.setBytes(path, bytes);
    const open = openOn(torn, { refuseDamage: true });
    expect(open.summary.end).to.equal('torn');
    expect(replayText(open.journal, 'a').records).to.have.length(1);
  });

  it('M8: a vital stream takes the whole journal with it, another one goes alone', () => {
    const disk = sample();
    for (const path of snapshotsOf(disk, 1)) flip(disk, path, 60);
    const endsOf = (open: OpenTestJournal): string[] => open.streams.map(({ name, report }) => `${name} ${report.end}`);
    const alone = openOn(disk.clone(), { isVital: ({ kind }) => kind === 'kind-b' });
    expect(alone.summary.generation).to.equal(1);
    expect(endsOf(alone)).to.have.members(['a corrupt', 'b clean']);
    const all = openOn(disk.clone(), { isVital: ({ kind }) => kind === 'kind-a' });
    expect(all.summary).to.include({ generation: 2, end: 'corrupt', reason: 'no snapshot of a can be read' });
    expect(endsOf(all)).to.have.members(['a corrupt', 'b corrupt']);
    const again = openOn(all.disk.kill(), { isVital: () => true });
    expect(again.summary.generation, 'it is lost once').to.equal(2);
  });

  it('M8: the disk id says whether worker 0’s journal is still the first', () => {
    expect([0, 1, 2, 3].map((generation) => diskIdOfGeneration('d', generation))).to.deep.equal([
      'd',
      'd',
      'd-2',
      'd-3',
    ]);
  });
});

describe('a journal that is given up', () => {
  it('leaves no clean marker: the next start finds what this one found (R17)', () => {
    for (const [end, cleanShutdown] of [
      ['abandon', false],
      ['close', true],
    ] as const) {
      const open = openOn(sample());
      let isDone = false;
      open.journal[end](() => {
        isDone = true;
      });
      open.disk.run();
      expect(isDone, end).to.equal(true);
      expect(open.told).to.deep.equal([]);
      const again = openOn(open.disk.kill());
      expect(
        again.streams.map(({ report }) => report.cleanShutdown),
        end,
      ).to.deep.equal([cleanShutdown, cleanShutdown]);
    }
  });

  it('can be given up while it is still beginning', () => {
    const open = openOn(sample(), {}, false);
    let isDone = false;
    open.journal.abandon(() => {
      isDone = true;
    });
    expect(open.journal.isOpen).to.equal(false);
    open.disk.run();
    expect(isDone).to.equal(true);
    expect(openOn(open.disk.kill()).summary.end).to.equal('clean');
  });

  it('D14: looks for space no more', () => {
    const open = openOn(new CrashDisk(), { limits: { segmentBytes: 1024 } });
    const { journal, disk } = open;
    disk.fault = ({ kind }) => (kind === 'create' ? 'ENOSPC' : undefined);
    journal.openStream('a', 'k', text(''));
    while (!journal.isShortOfSpace) {
      journal.append('a', 1, text('x'.repeat(40)));
      journal.flush();
      disk.run();
    }
    journal.close(() => undefined);
    disk.run();
    disk.fault = () => undefined;
    const before = disk.paths();
    journal.retrySpace();
    disk.run();
    expect(disk.paths()).to.deep.equal(before);
  });
});
