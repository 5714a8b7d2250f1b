import { expect } from 'chai';
import { crc32 } from '../../../runtime/std/crc32.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { CrashDisk } from '../../support/crash-disk.js';
import { binding, openOn, replayText, snapshotNow, text } from '../../support/journal-on-crash-disk.js';

const limits = { segmentBytes: 1024 };
const directory = 'w0/generation-0000000001';
const first = `${directory}/segment-0000000001`;

/** Two streams over three segments, a snapshot each; the last batch has two records and nothing behind it. */
function sample(): { readonly disk: CrashDisk; readonly records: ReadonlyMap<string, readonly string[]> } {
  const open = openOn(new CrashDisk(), { limits });
  const { journal, disk } = open;
  journal.openStream('a', 'kind-a', text('arguments'));
  journal.openStream('b', 'kind-b', text(''));
  for (let batch = 0; batch < 12; batch++) {
    journal.append('a', 1, text(`batch ${batch} of a`));
    journal.append('b', 2, text(`batch ${batch} of b`));
    journal.flush();
    disk.run();
  }
  const records = new Map(['a', 'b'].map((name) => [name, replayText(journal, name).records]));
  return { disk: disk.clone(), records };
}

function lastSegment(disk: CrashDisk): string {
  const segments = disk
    .paths()
    .filter((path) => path.includes('segment') && disk.bytes(path).some((byte) => byte !== 0));
  return segments.at(-1) as string;
}

/** Opens a damaged disk and holds what comes back against what was there. @returns the verdict. */
function verdictOn(disk: CrashDisk, records: ReadonlyMap<string, readonly string[]>, what: string): string {
  const open = openOn(disk, { limits });
  expect(open.told, what).to.deep.equal([]);
  for (const { name, report } of open.streams) {
    const found = replayText(open.journal, name).records;
    const all = records.get(name) ?? [];
    if (report.end === 'corrupt') expect(found, what).to.deep.equal([]);
    else if (report.end === 'clean') expect(found, `${what}: clean means complete`).to.deep.equal(all);
    else expect(found, `${what}: torn means a prefix`).to.deep.equal(all.slice(0, found.length));
  }
  if (open.summary.end === 'clean') expect(open.streams, what).to.have.length(records.size);
  return open.summary.end;
}

describe('recovery', () => {
  it('V1 V2 J1 J2: any one flipped byte is survived, and is never taken for the truth', () => {
    const { disk, records } = sample();
    const verdicts: Record<string, number> = {};
    for (const path of disk.paths()) {
      const length = disk.bytes(path).length;
      for (let at = 0; at < length; at++) {
        const damaged = disk.clone();
        const bytes = damaged.bytes(path).slice();
        bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
        damaged.setBytes(path, bytes);
        const verdict = verdictOn(damaged, records, `${path} byte ${at}`);
        verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      }
    }
    expect(verdicts).to.have.all.keys('clean', 'torn', 'corrupt');
  });

  it('V1: a file cut at any byte is corrupt unless it was a spare', () => {
    const { disk, records } = sample();
    for (const path of disk.paths()) {
      const isUsed = disk.bytes(path).some((byte) => byte !== 0);
      // The last segment cut to nothing is a spare that was being created: from one disk alone nobody can tell (FORMAT.md).
      for (let length = path === lastSegment(disk) ? 1 : 0; length < disk.bytes(path).length; length++) {
        const damaged = disk.clone();
        damaged.setBytes(path, damaged.bytes(path).slice(0, length));
        const verdict = verdictOn(damaged, records, `${path} cut at ${length}`);
        if (length >= 128 || !isUsed)
          expect(verdict, `${path} cut at ${length}`).to.equal(isUsed ? 'corrupt' : 'clean');
        else expect(verdict, `${path} cut at ${length}`).to.not.equal('clean');
      }
    }
  });

  // Simulator seed 1795930495619: a write that took its first bytes alone, and a crash before the rest, passed for a header that had rotted; with one member the metadata group was gone.
  it('V2: a header of which only the first bytes were written is an interrupted rotation, as one that is not there', () => {
    const { disk, records } = sample();
    const path = lastSegment(disk);
    for (let length = 1; length < 128; length++) {
      const damaged = disk.clone();
      damaged.setBytes(path, disk.bytes(path).slice().fill(0, length));
      expect(verdictOn(damaged, records, `cut at ${length}`)).to.equal('torn');
    }
  });

  it('V1: a header cut short before records is none that a crash leaves', () => {
    const { disk, records } = sample();
    const path = lastSegment(disk);
    for (let length = 4; length < 124; length++) {
      const damaged = disk.clone();
      damaged.setBytes(path, disk.bytes(path).slice().fill(0, length, 128));
      expect(verdictOn(damaged, records, `gap from ${length}`)).to.equal('corrupt');
    }
  });

  it('V1: a missing segment is corruption', () => {
    const { disk, records } = sample();
    const used = disk.paths().filter((path) => disk.bytes(path).some((byte) => byte !== 0));
    expect(used.length).to.be.at.least(3);
    for (const path of used.slice(0, -1)) {
      const damaged = disk.clone();
      damaged.delete(path);
      expect(verdictOn(damaged, records, `without ${path}`)).to.equal('corrupt');
    }
  });

  it('V1 D7: damage before a record that proves it durable is corruption, also in the last segment', () => {
    const { disk, records } = sample();
    const path = lastSegment(disk);
    const damaged = disk.clone();
    const bytes = damaged.bytes(path).slice();
    bytes[128 + 60] = 0xff; // in the checkpoint, which everything later proves
    damaged.setBytes(path, bytes);
    expect(verdictOn(damaged, records, 'mid-log')).to.equal('corrupt');
  });

  it('V2 D8: damage of the last batch, which nothing proves, is a torn tail', () => {
    const { disk, records } = sample();
    const path = lastSegment(disk);
    const bytes = disk.bytes(path).slice();
    const end = bytes.findLastIndex((byte) => byte !== 0);
    bytes[end] = (bytes[end] as number) ^ 1;
    disk.setBytes(path, bytes);
    const open = openOn(disk, { limits });
    expect(open.summary.end).to.equal('torn');
    expect(open.streams.map(({ report }) => report.end)).to.deep.equal(['torn', 'torn']);
    expect(replayText(open.journal, 'a').records).to.have.length(12);
    expect(replayText(open.journal, 'b').records).to.deep.equal(records.get('b')?.slice(0, 11));
  });

  it('V2: valid records behind an unsynced hole are dropped with it', () => {
    const open = openOn(new CrashDisk(), { limits: { segmentBytes: 16384 } });
    const { journal, disk } = open;
    journal.openStream('a', 'k', text(''));
    journal.append('a', 1, text('durable'));
    journal.flush();
    disk.run();
    const before = disk.bytes(first).slice();
    for (let i = 0; i < 20; i++) journal.append('a', 1, text(`unsynced ${i} ${'x'.repeat(100)}`));
    journal.flush();
    disk.run();
    // The batch is one write; of its sectors the second did not arrive.
    const bytes = disk.bytes(first).slice();
    bytes.set(before.subarray(512, 1024), 512);
    const damaged = disk.clone();
    damaged.setBytes(first, bytes);
    const again = openOn(damaged, { limits: { segmentBytes: 16384 } });
    expect(again.summary.end).to.equal('torn');
    expect(replayText(again.journal, 'a').records).to.deep.include('0 durable');
    expect(again.journal.nextLsn).to.be.lessThan(5);
  });

  it('V2: a payload that holds the bytes of records proves nothing', () => {
    const open = openOn(new CrashDisk(), { limits: { segmentBytes: 16384 } });
    const { journal, disk } = open;
    journal.openStream('a', 'k', text(''));
    for (let i = 0; i < 5; i++) {
      journal.append('a', 1, text(`record ${i}`));
      journal.flush();
      disk.run();
    }
    journal.append('a', 1, disk.bytes(first).slice(0, 2048));
    journal.flush();
    disk.run();
    const bytes = disk.bytes(first).slice();
    bytes[bytes.findLastIndex((byte) => byte !== 0)] = 0; // tears the record that holds them
    const damaged = disk.clone();
    damaged.setBytes(first, bytes);
    const again = openOn(damaged, { limits: { segmentBytes: 16384 } });
    expect(again.summary.end).to.equal('torn');
    expect(again.journal.nextLsn).to.equal(5);
  });

  it('D9: a corrupt journal is left as it is, and its streams begin again empty', () => {
    const { disk } = sample();
    const bytes = disk.bytes(first).slice();
    bytes.fill(0xaa, 400, 500);
    disk.setBytes(first, bytes);
    const open = openOn(disk, { limits });
    expect(open.summary).to.deep.include({ end: 'corrupt', generation: 2, quarantined: directory });
    expect(open.summary.reason).to.contain('segment-0000000001');
    expect(open.streams.map(({ name, kind, args, report }) => [name, kind, args.length, report.end])).to.deep.equal([
      ['a', 'kind-a', 9, 'corrupt'],
      ['b', 'kind-b', 0, 'corrupt'],
    ]);
    expect(disk.bytes(first)).to.deep.equal(bytes);
    // It is remembered until the owner appends (D8).
    const second = openOn(disk.clone(), { limits });
    expect(second.streams.map(({ report }) => report.end)).to.deep.equal(['corrupt', 'corrupt']);
    second.journal.append('b', 1, text('new'));
    second.journal.flush();
    second.disk.run();
    const third = openOn(second.disk.clone(), { limits });
    expect(third.summary.end).to.equal('clean');
    expect(third.streams.map(({ report }) => report.end)).to.deep.equal(['corrupt', 'clean']);
    expect(replayText(third.journal, 'b').records).to.deep.equal(['0 new']);
  });

  it('V3: a start that is interrupted anywhere leads to the same verdict', () => {
    for (const kind of ['torn', 'corrupt'] as const) {
      const { disk } = sample();
      const path = kind === 'torn' ? lastSegment(disk) : first;
      const bytes = disk.bytes(path).slice();
      const at = kind === 'torn' ? bytes.findLastIndex((byte) => byte !== 0) : 450;
      bytes[at] = (bytes[at] as number) ^ 1;
      disk.setBytes(path, bytes);
      for (let steps = 0; steps < 20; steps++) {
        for (const survival of [0, 0.5, 1]) {
          const open = openOn(disk.clone(), { limits }, false);
          for (let step = 0; step < steps; step++) open.disk.step();
          const crashed = open.disk.crash(seededRandom(`${kind} ${steps} ${survival}`), survival);
          const again = openOn(crashed, { limits });
          const ends = again.streams.map(({ report }) => report.end);
          expect(ends, `${kind} after ${steps} steps, survival ${survival}`).to.deep.equal([kind, kind]);
        }
      }
    }
  });

  it('J2 D16: a journal of another host, worker or cluster is not read as ours, and not touched', () => {
    for (const other of [{ clusterId: 'x' }, { host: 'x' }, { diskId: 'x' }]) {
      const { disk } = sample();
      const before = disk.bytes(first).slice();
      const open = openOn(disk, { limits, binding: { ...binding, ...other } });
      expect(open.summary.end).to.equal('corrupt');
      expect(open.streams).to.deep.equal([]);
      expect(disk.bytes(first)).to.deep.equal(before);
    }
    const { disk } = sample();
    const moved = disk.clone();
    for (const path of disk.paths()) moved.setBytes(path.replace('w0', 'w1'), disk.bytes(path));
    expect(openOn(moved, { limits, directory: 'w1' }).summary.end).to.equal('corrupt');
  });

  it('J2: a segment in the place of another is refused (misdirected writes)', () => {
    const { disk, records } = sample();
    disk.setBytes(first.replace(/1$/, '2'), disk.bytes(first));
    expect(verdictOn(disk, records, 'segment 1 as 2')).to.equal('corrupt');
  });

  it('J2: a record in the place of another of its segment is refused', () => {
    const { disk, records } = sample();
    const bytes = disk.bytes(first).slice();
    const at = 128 + 56; // behind the checkpoint
    bytes.copyWithin(at + 56 + 16, at, at + 64);
    disk.setBytes(first, bytes);
    expect(verdictOn(disk, records, 'a repeated record')).to.equal('corrupt');
  });

  it('a bit that flips only while reading does no harm', () => {
    const { disk, records } = sample();
    let reads = 0;
    disk.readFault = (path, position, bytes) => {
      if (path === first && position <= 300 && position + bytes.length > 300 && reads++ === 1)
        bytes[300 - position] = (bytes[300 - position] as number) ^ 4;
      return undefined;
    };
    expect(verdictOn(disk, records, 'a transient flip')).to.equal('clean');
    expect(reads).to.be.greaterThan(1);
  });

  it('a sector that cannot be read counts as bad bytes', () => {
    const { disk, records } = sample();
    disk.readFault = (path) => (path === first ? 'EIO' : undefined);
    const open = openOn(disk, { limits });
    expect(open.summary.end).to.equal('corrupt');
    expect(records.size).to.equal(2);
  });

  it('tells a clean shutdown from a kill, and a reboot from none', () => {
    const { disk } = sample();
    const killed = openOn(disk, { limits, bootId: 'another boot' });
    expect(killed.streams[0]?.report).to.deep.include({ cleanShutdown: false, sameBoot: false });
    killed.journal.close(() => undefined);
    killed.disk.run();
    const closed = openOn(killed.disk.clone(), { limits, bootId: 'another boot' });
    expect(closed.streams[0]?.report).to.deep.include({ cleanShutdown: true, sameBoot: true });
    // The marker is used up by the start that saw it.
    const third = openOn(closed.disk.clone(), { limits, bootId: 'another boot' });
    expect(third.streams[0]?.report).to.deep.include({ cleanShutdown: false, sameBoot: true });
  });

  it('after a clean shutdown even rot of the last batch is seen for what it is', () => {
    const { disk } = sample();
    const open = openOn(disk, { limits: { segmentBytes: 4096 } });
    open.journal.append('a', 1, text('the last word'));
    open.journal.flush();
    open.disk.run();
    open.journal.close(() => undefined);
    open.disk.run();
    const path = lastSegment(open.disk);
    const bytes = open.disk.bytes(path).slice();
    const at = Buffer.from(bytes).indexOf('the last word');
    bytes[at] = 0;
    open.disk.setBytes(path, bytes);
    expect(openOn(open.disk, { limits: { segmentBytes: 4096 } }).summary.end).to.equal('corrupt');
  });

  it('keeps the two youngest quarantined generations', () => {
    let disk = sample().disk;
    for (let round = 1; round <= 5; round++) {
      const open = openOn(disk, { limits });
      if (open.streams.length === 0) open.journal.openStream('a', 'k', text(''));
      open.journal.append('a', 1, text(`round ${round}`));
      open.journal.flush();
      open.disk.run();
      const generation = `w0/generation-000000000${open.summary.generation}`;
      const segment = open.disk.paths().find((path) => path.startsWith(generation)) as string;
      const bytes = open.disk.bytes(segment).slice();
      bytes[140] = (bytes[140] as number) ^ 1;
      open.disk.setBytes(segment, bytes);
      disk = open.disk.clone();
    }
    openOn(disk, { limits });
    const generations = disk.list('w0').filter((name) => disk.list(`w0/${name}`).length > 0);
    expect(generations).to.have.length(3);
    expect(crc32(text('123456789'))).to.equal(0xcbf43926);
  });

  it('N1: falls back to the older snapshot and more records, and says so', () => {
    const open = openOn(new CrashDisk(), { limits: { segmentBytes: 4096 } });
    const { journal, disk } = open;
    journal.openStream('a', 'k', text(''));
    journal.openStream('b', 'k', text(''));
    journal.append('b', 1, text('of b'));
    for (let round = 0; round < 3; round++) {
      journal.append('a', 1, text(`record ${round}`));
      journal.flush();
      disk.run();
      snapshotNow(open, 'a', journal.nextLsn, `state ${round}`, ['chunk one', 'chunk two']);
    }
    const snapshots = disk.paths().filter((path) => path.includes('snapshot'));
    expect(snapshots).to.have.length(2);
    const newest = snapshots[1] as string;
    for (let at = 0; at < disk.bytes(newest).length; at++) {
      const damaged = disk.clone();
      const bytes = damaged.bytes(newest).slice();
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
      damaged.setBytes(newest, bytes);
      const again = openOn(damaged, { limits: { segmentBytes: 4096 } });
      expect(
        again.streams.map(({ report }) => report.end),
        `byte ${at}`,
      ).to.deep.equal(['torn', 'clean']);
      const { snapshot, records } = replayText(again.journal, 'a');
      expect(snapshot).to.equal('state 1|chunk one|chunk two');
      expect(records).to.deep.equal(['3 record 2']);
    }
    const damaged = disk.clone();
    for (const path of snapshots) damaged.setBytes(path, damaged.bytes(path).slice(0, 100));
    const again = openOn(damaged, { limits: { segmentBytes: 4096 } });
    expect(again.streams.map(({ name, report }) => [name, report.end])).to.deep.equal([
      ['b', 'clean'],
      ['a', 'corrupt'],
    ]);
    expect(replayText(again.journal, 'a').records).to.deep.equal([]);
    expect(replayText(again.journal, 'b').records).to.deep.equal(['0 of b']);
  });

  // Seed 1795889673172: a partition fell back behind a snapshot of its leader, and records of that one's log followed on another.
  it('N1: falls back to nothing older than a snapshot that was received from elsewhere', () => {
    const open = openOn(new CrashDisk(), { limits: { segmentBytes: 4096 } });
    const { journal, disk } = open;
    journal.openStream('a', 'k', text(''));
    journal.append('a', 1, text('our own'));
    snapshotNow(open, 'a', journal.nextLsn, 'our own', ['chunk']);
    journal.append('a', 1, text('our own, too'));
    snapshotNow(open, 'a', journal.nextLsn, 'received', ['chunk'], true);
    journal.append('a', 1, text('behind it'));
    journal.flush();
    disk.run();
    const snapshots = disk.paths().filter((path) => path.includes('snapshot'));
    expect(snapshots, 'the older one goes').to.have.length(1);
    const whole = openOn(disk.clone(), { limits: { segmentBytes: 4096 } });
    expect(replayText(whole.journal, 'a')).to.deep.include({ snapshot: 'received|chunk', records: ['2 behind it'] });
    const damaged = disk.clone();
    const [only = ''] = snapshots;
    damaged.setBytes(only, damaged.bytes(only).slice(0, 100));
    const again = openOn(damaged, { limits: { segmentBytes: 4096 } });
    expect(again.streams.map(({ name, report }) => [name, report.end])).to.deep.equal([['a', 'corrupt']]);
    expect(replayText(again.journal, 'a').records).to.deep.equal([]);
  });
});
