// What was asked of a journal, in order; recovery must give the effect of a prefix of it
// =============================================================================

import { expect } from 'chai';
import type { RecoveryReport } from '../../runtime/contract/journal.js';
import type { Random } from '../../runtime/std/random.js';
import { type OpenTestJournal, replayText, type SteppedDisk, text } from './journal-on-crash-disk.js';

type Entry =
  | { readonly kind: 'open'; readonly stream: string }
  | { readonly kind: 'close'; readonly stream: string }
  | { readonly kind: 'append'; readonly stream: string; readonly lsn: number; readonly value: string };

/** A snapshot that was reported durable. */
interface Committed {
  readonly stream: string;
  /** Which opening of that name. */
  readonly opening: number;
  readonly from: number;
}

export interface RecoveredText {
  readonly end: RecoveryReport['end'];
  /** Where replay of the stream begins; 0 without a snapshot. */
  readonly from: number;
  readonly records: readonly string[];
}

export interface RecoveredJournal {
  readonly nextLsn: number;
  readonly streams: ReadonlyMap<string, RecoveredText>;
}

/** Everything that a journal gives back after a start. REQUIRES streams whose kinds and snapshots `journalWork` or a script here made. */
export function recoveredOf({ journal, streams }: OpenTestJournal<SteppedDisk>): RecoveredJournal {
  const found = new Map<string, RecoveredText>();
  for (const { name, kind, report } of streams) {
    expect(kind).to.equal(`kind-${name}`);
    const replayed = replayText(journal, name);
    expect(replayed.report).to.deep.equal(report);
    expect(report.recordCount).to.equal(replayed.records.length);
    const from = replayed.snapshot === undefined ? 0 : Number(replayed.snapshot.split('|')[0]);
    if (replayed.snapshot !== undefined) expect(replayed.snapshot).to.equal(`${from}|chunk of ${name}|more`);
    found.set(name, { end: report.end, from, records: replayed.records });
  }
  return { nextLsn: journal.nextLsn, streams: found };
}

export class JournalModel {
  entries: Entry[] = [];
  readonly committed: Committed[] = [];

  open(journal: OpenTestJournal<SteppedDisk>['journal'], stream: string): void {
    journal.openStream(stream, `kind-${stream}`, text(stream));
    this.entries.push({ kind: 'open', stream });
  }

  close(journal: OpenTestJournal<SteppedDisk>['journal'], stream: string): void {
    journal.closeStream(stream);
    this.entries.push({ kind: 'close', stream });
  }

  append(journal: OpenTestJournal<SteppedDisk>['journal'], stream: string, value: string): void {
    this.entries.push({ kind: 'append', stream, lsn: journal.append(stream, 1, text(value)), value });
  }

  /** A snapshot of all that was appended so far; `ended` when it is durable. */
  snapshot(
    journal: OpenTestJournal<SteppedDisk>['journal'],
    stream: string,
    ended: () => void = () => undefined,
  ): void {
    const from = journal.nextLsn;
    const opening = this.openingsAt(this.entries.length, stream);
    const writer = journal.beginSnapshot(stream, from, text(String(from)));
    writer.append(text(`chunk of ${stream}`), () => {
      writer.append(text('more'), () => {
        writer.commit(() => {
          this.committed.push({ stream, opening, from });
          ended();
        });
      });
    });
  }

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

  /** Forgets what came after the first `count` entries. */
  cut(count: number): void {
    this.entries = this.entries.slice(0, count);
  }

  /**
   * How many entries are there. Openings and closings between two appends have no lsn of their own: any prefix that fits will do.
   * @param atLeast entries that were acknowledged  @param committed the first so many snapshots were acknowledged
   * @throws Error when it is no prefix
   */
  prefixOf(found: RecoveredJournal, atLeast = 0, committed = this.committed.length): number {
    const problems: string[] = [];
    let lsn = this.lsnAt(this.entries.length);
    for (let count = this.entries.length; count >= atLeast; count--) {
      if (lsn === found.nextLsn) {
        const problem = this.#difference(count, found.streams, committed);
        if (problem === undefined) return count;
        problems.push(problem);
      }
      if (this.entries[count - 1]?.kind === 'append') lsn--;
    }
    const what = problems.length === 0 ? `it ends at lsn ${found.nextLsn}` : problems.join('; ');
    throw new Error(`V1: what is there is no prefix of what was asked: ${what}`);
  }

  #difference(count: number, found: RecoveredJournal['streams'], committedCount: number): string | undefined {
    const streams = this.streamsAt(count);
    if (streams.size !== found.size) return `${streams.size} streams, found ${found.size}`;
    for (const name of streams) {
      const stream = found.get(name);
      if (stream === undefined) return `${name} is missing`;
      const expected = this.recordsAt(count, name).filter((record) => Number(record.split(' ')[0]) >= stream.from);
      if (expected.join('\n') !== stream.records.join('\n')) return `records of ${name} differ`;
      const opening = this.openingsAt(count, name);
      for (const committed of this.committed.slice(0, committedCount))
        if (committed.stream === name && committed.opening === opening && committed.from > stream.from)
          return `P1: the snapshot of ${name} from ${committed.from} was committed, ${stream.from} is in force`;
    }
    return undefined;
  }
}

const names = ['a', 'b', 'c', 'd'];

/** Random work of all kinds, with the disk anywhere in between. */
export function journalWork(
  open: OpenTestJournal<SteppedDisk>,
  model: JournalModel,
  random: Random,
  stepCount: number,
): void {
  const { journal, disk } = open;
  const live = model.streamsAt(model.entries.length);
  const busy = new Set<string>();
  for (let step = 0; step < stepCount; step++) {
    const stream = random.pick(names);
    const choice = random.below(100);
    if (choice < 10 && !live.has(stream)) {
      model.open(journal, stream);
      live.add(stream);
    } else if (choice < 12 && live.has(stream) && !busy.has(stream)) {
      model.close(journal, stream);
      live.delete(stream);
    } else if (choice < 60 && live.has(stream)) {
      model.append(journal, stream, `${step} ${'x'.repeat(random.chance(0.02) ? 6000 : random.below(200))}`);
    } else if (choice < 75) {
      journal.flush();
    } else if (choice < 80 && live.has(stream) && !busy.has(stream)) {
      if (random.chance(0.2)) journal.beginSnapshot(stream, journal.nextLsn, text('given up')).abort();
      else {
        busy.add(stream);
        model.snapshot(journal, stream, () => busy.delete(stream));
      }
    } else for (let count = random.below(6); count > 0; count--) disk.step();
  }
}
