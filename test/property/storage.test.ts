// The journal against a model, over random work, kills and power failures
// =============================================================================

import { expect } from 'chai';
import { seededRandom, type Random } from '../../runtime/std/random.js';
import type { WriteAheadJournal } from '../../runtime/storage/write-ahead-journal.js';
import { CrashDisk } from '../support/crash-disk.js';
import { openOn, type OpenTestJournal, replayText, text } from '../support/journal-on-crash-disk.js';

type Entry =
  | { readonly kind: 'open'; readonly stream: string }
  | { readonly kind: 'close'; readonly stream: string }
  | { readonly kind: 'append'; readonly stream: string; readonly lsn: number; readonly value: string };

interface Committed {
  readonly stream: string;
  /** Which opening of that name. */
  readonly opening: number;
  readonly from: number;
}

/** What was asked of the journal, in order; recovery must give the effect of a prefix of it. */
class Model {
  entries: Entry[] = [];
  committed: Committed[] = [];

  /** How often a stream of that name was opened. */
  openingsAt(count: number, stream: string): number {
    return this.entries.slice(0, count).filter((entry) => entry.kind === 'open' && entry.stream === stream).length;
  }

  streamsAt(count: number): Set<string> {
    const streams = new Set<string>();
    for (const entry of this.entries.slice(0, count)) {
      if (entry.kind === 'open') streams.add(entry.stream);
      else if (entry.kind === 'close') streams.delete(entry.stream);
    }
    return streams;
  }

  recordsAt(count: number, stream: string): string[] {
    let records: string[] = [];
    for (const entry of this.entries.slice(0, count)) {
      if (entry.stream !== stream) continue;
      if (entry.kind === 'append') records.push(`${entry.lsn} ${entry.value}`);
      else records = [];
    }
    return records;
  }

  lsnAt(count: number): number {
    return this.entries.slice(0, count).filter(({ kind }) => kind === 'append').length;
  }
}

const names = ['a', 'b', 'c', 'd'];

function work(open: OpenTestJournal, model: Model, random: Random, stepCount: number): void {
  const { journal, disk } = open;
  const live = model.streamsAt(model.entries.length);
  const busy = new Set<string>();
  for (let step = 0; step < stepCount; step++) {
    const stream = random.pick(names);
    const choice = random.below(100);
    if (choice < 10 && !live.has(stream)) {
      journal.openStream(stream, `kind-${stream}`, text(stream));
      live.add(stream);
      model.entries.push({ kind: 'open', stream });
    } else if (choice < 12 && live.has(stream) && !busy.has(stream)) {
      journal.closeStream(stream);
      live.delete(stream);
      model.entries.push({ kind: 'close', stream });
    } else if (choice < 60 && live.has(stream)) {
      const value = `${step} ${'x'.repeat(random.chance(0.02) ? 6000 : random.below(200))}`;
      model.entries.push({ kind: 'append', stream, lsn: journal.append(stream, 1, text(value)), value });
    } else if (choice < 75) {
      journal.flush();
    } else if (choice < 80 && live.has(stream) && !busy.has(stream)) {
      snapshot(journal, model, random, stream, busy);
    } else for (let count = random.below(6); count > 0; count--) disk.step();
  }
}

function snapshot(journal: WriteAheadJournal, model: Model, random: Random, stream: string, busy: Set<string>): void {
  const from = journal.nextLsn;
  const opening = model.openingsAt(model.entries.length, stream);
  const writer = journal.beginSnapshot(stream, from, text(String(from)));
  busy.add(stream);
  if (random.chance(0.2)) {
    writer.abort();
    busy.delete(stream);
    return;
  }
  writer.append(text(`chunk of ${stream}`), () => {
    writer.append(text('more'), () => {
      writer.commit(() => {
        busy.delete(stream);
        model.committed.push({ stream, opening, from });
      });
    });
  });
}

/** Checks what was recovered and cuts the model to it. */
function check(open: OpenTestJournal, model: Model, durableLsn: number): void {
  const { journal, streams } = open;
  expect(journal.nextLsn, 'W1: what was reported durable is there').to.be.at.least(durableLsn);
  const found = new Map(
    streams.map(({ name, kind, report }) => {
      expect(kind).to.equal(`kind-${name}`);
      const replayed = replayText(journal, name);
      expect(replayed.report).to.deep.equal(report);
      expect(report.recordCount).to.equal(replayed.records.length);
      const from = replayed.snapshot === undefined ? 0 : Number(replayed.snapshot.split('|')[0]);
      if (replayed.snapshot !== undefined) expect(replayed.snapshot).to.equal(`${from}|chunk of ${name}|more`);
      return [name, { from, records: replayed.records }];
    }),
  );
  // Openings and closings between two appends have no lsn of their own: any prefix that fits will do.
  const problems: string[] = [];
  for (let count = model.entries.length; count >= 0; count--) {
    if (model.lsnAt(count) !== journal.nextLsn) continue;
    const problem = difference(model, count, found);
    if (problem === undefined) {
      model.entries = model.entries.slice(0, count);
      return;
    }
    problems.push(problem);
  }
  throw new Error(`V1: what is there is no prefix of what was asked: ${problems.join('; ')}`);
}

function difference(
  model: Model,
  count: number,
  found: ReadonlyMap<string, { readonly from: number; readonly records: readonly string[] }>,
): string | undefined {
  const streams = model.streamsAt(count);
  if (streams.size !== found.size) return `${streams.size} streams, found ${found.size}`;
  for (const name of streams) {
    const stream = found.get(name);
    if (stream === undefined) return `${name} is missing`;
    const expected = model.recordsAt(count, name).filter((record) => Number(record.split(' ')[0]) >= stream.from);
    if (expected.join('\n') !== stream.records.join('\n')) return `records of ${name} differ`;
    const opening = model.openingsAt(count, name);
    for (const committed of model.committed)
      if (committed.stream === name && committed.opening === opening && committed.from > stream.from)
        return `P1: the snapshot of ${name} from ${committed.from} was committed, ${stream.from} is in force`;
  }
  return undefined;
}

describe('journal against a model', () => {
  const seeds = Number(process.env['SEEDS'] ?? 150);

  it(`V1 W1 W2 W4 W5 P1 Q1: recovers a prefix with everything durable, ${seeds} seeds`, function () {
    this.timeout(60_000);
    for (let seed = 0; seed < seeds; seed++) {
      const random = seededRandom(`storage ${seed}`);
      const limits = {
        segmentBytes: random.pick([1024, 4096, 16384]),
        batchBytesMax: random.pick([256, 2048, 1 << 20]),
        journalBytesMax: 32 * 1024,
      };
      try {
        let disk = new CrashDisk();
        const model = new Model();
        let known = 0;
        for (let round = 0; round < 6; round++) {
          const before = model.lsnAt(model.entries.length);
          const open = openOn(disk, { limits });
          if (round > 0) check(open, model, known);
          open.durable = open.journal.nextLsn;
          expect(open.journal.nextLsn).to.be.at.most(before);
          work(open, model, random.split(`work ${round}`), random.between(1, 250));
          const end = random.below(3);
          if (end === 0) {
            let isClosed = false;
            open.journal.close(() => {
              isClosed = true;
            });
            open.disk.run();
            expect(isClosed).to.equal(true);
            disk = open.disk.kill();
          } else if (end === 1) disk = open.disk.kill();
          else disk = open.disk.crash(random.split(`crash ${round}`), random.pick([0, 0.3, 0.7, 1]));
          const again = openOn(disk, { limits }, random.chance(0.7));
          expect(again.summary.end, 'V1: a disk that only crashes is never corrupt').to.not.equal('corrupt');
          if (end === 0) expect(again.summary.end).to.equal('clean');
          if (end === 0) for (const { report } of again.streams) expect(report.cleanShutdown).to.equal(true);
          if (end === 1) expect(again.summary.end, 'a killed process tears nothing').to.be.oneOf(['clean', 'fresh']);
          // A start that is itself interrupted comes to nothing less.
          if (again.disk.waitingCount > 0) {
            for (let count = random.below(12); count > 0; count--) again.disk.step();
            disk = again.disk.crash(random.split(`again ${round}`));
            const third = openOn(disk, { limits });
            check(third, model, open.durable);
            disk = third.disk.kill();
          } else {
            check(again, model, open.durable);
            disk = again.disk.kill();
          }
          // W1: what a start gives back is durable, whatever happens next.
          known = model.lsnAt(model.entries.length);
          if (random.chance(0.5)) disk = disk.crash(random.split(`after ${round}`), 0.3);
          expect(open.told.filter((line) => line.startsWith('fatal'))).to.deep.equal([]);
        }
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    }
  });
});
