// What a host remembers of the metadata group: the file, and when it is written

import { expect } from 'chai';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeAgentArguments, decodeManagerArguments } from '../../../actors/host/host-arguments.js';
import { KnownMembers, readKnownMembers } from '../../../actors/known-members.js';
import { memberIdOf } from '../../../actors/metadata/member-id.js';
import { decodeMetadataArguments } from '../../../actors/metadata/metadata-arguments.js';
import { rootActors } from '../../../actors/root-actors.js';
import { type Disk, DiskError } from '../../../runtime/contract/disk.js';
import { mainWorker } from '../../../runtime/contract/address.js';
import type { SystemEvent } from '../../../runtime/contract/events.js';
import { memoryDisk } from '../../../runtime/storage/memory-disk.js';
import { nodeDisk } from '../../../runtime/storage/node-disk.js';
import { until } from '../../support/until.js';

/** A process that runs: what is due waits until `pass` lets so much time pass. */
class Process {
  readonly events: SystemEvent[] = [];
  readonly known: KnownMembers;
  #nowMs = 0;
  #due: { readonly atMs: number; readonly run: () => void }[] = [];

  constructor(disk: Disk, known: readonly string[] = readKnownMembers(disk).members) {
    this.known = new KnownMembers({
      disk,
      known,
      after: (delayMs, run) => this.#due.push({ atMs: this.#nowMs + delayMs, run }),
      emit: (event) => this.events.push(event),
    });
  }

  /** Whether a write has ended, and the next waits for its time. */
  get rests(): boolean {
    return this.#due.length > 0;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    const due = this.#due.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#due = this.#due.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { run } of due) run();
  }
}

/** A disk whose operations complete when they are let, and that counts how often a file was put in its place. */
function countedDisk(): { readonly disk: Disk; readonly run: () => void; readonly count: () => number } {
  const queue: (() => void)[] = [];
  const disk = memoryDisk((run) => queue.push(run));
  let renames = 0;
  const rename = disk.rename.bind(disk);
  disk.rename = (from, to, done) => {
    renames++;
    rename(from, to, done);
  };
  const run = (): void => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
  };
  return { disk, run, count: () => renames };
}

describe('known members, in a real directory', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'troupe-known-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const file = (): string => join(folder, 'known-members.json');

  it('what is noted is found by the next process, and nothing else is left', async () => {
    const disk = nodeDisk(folder);
    expect(readKnownMembers(disk)).to.deep.equal({ members: [] });
    const first = new Process(disk);
    first.known.note(['h4', 'h1', 'h2', 'h4']);
    await until('it is written', () => first.rests);
    expect(readKnownMembers(disk)).to.deep.equal({ members: ['h1', 'h2', 'h4'] });
    expect(disk.list('')).to.deep.equal(['known-members.json']);
    const second = new Process(disk);
    rmSync(file());
    second.known.note(['h2', 'h1', 'h4']);
    expect(existsSync(file()), 'nothing new').to.equal(false);
    second.known.note(['h2']);
    await until('it is written', () => second.rests);
    expect(readKnownMembers(disk).members).to.deep.equal(['h2']);
    expect([...first.events, ...second.events]).to.deep.equal([]);
  });

  it('reads what earlier versions wrote, whatever an interrupted write left beside it', async () => {
    writeFileSync(file(), '{\n  "version": 1,\n  "members": [\n    "b",\n    "a"\n  ]\n}\n');
    writeFileSync(`${file()}.tmp`, '{"ver');
    const disk = nodeDisk(folder);
    expect(readKnownMembers(disk)).to.deep.equal({ members: ['a', 'b'] });
    const process = new Process(disk);
    process.known.note(['c']);
    await until('it is written', () => process.rests);
    expect(readKnownMembers(disk).members).to.deep.equal(['c']);
    expect(disk.list('')).to.deep.equal(['known-members.json']);
  });

  const senseless: readonly (readonly [string, string | Uint8Array])[] = [
    ['an empty file', ''],
    ['half a file', '{"version":1,"members":["h1"'],
    ['no object', 'null'],
    ['a later version', '{"version":2,"members":["h1"]}'],
    ['no list', '{"version":1,"members":"h1"}'],
    ['what is no host', '{"version":1,"members":["h1","../h2"]}'],
    ['what is no text', '{"version":1,"members":["h1",2]}'],
    ['too many', JSON.stringify({ version: 1, members: Array.from({ length: 65 }, (_, i) => `h${i}`) })],
    ['too long a file', `${' '.repeat(17_000)}{"version":1,"members":["h1"]}`],
    ['other bytes', new Uint8Array([0xff, 0xfe, 0x00])],
  ];
  for (const [what, content] of senseless) {
    it(`${what} is one warning, and as if nothing were there`, async () => {
      writeFileSync(file(), content);
      const disk = nodeDisk(folder);
      const { members, problem } = readKnownMembers(disk);
      expect(members).to.deep.equal([]);
      expect(problem).to.deep.include({ kind: 'known-members-unreadable', level: 'warn' });
      const process = new Process(disk);
      process.known.note(['h3']);
      await until('it is written', () => process.rests);
      expect(readKnownMembers(disk)).to.deep.equal({ members: ['h3'] });
    });
  }

  it('a directory in its place, or none around it, ends nothing', async () => {
    mkdirSync(file());
    writeFileSync(join(file(), 'x'), '');
    const process = new Process(nodeDisk(folder));
    process.known.note(['h1']);
    await until('it is over', () => process.rests);
    expect(process.events.map(({ kind, level }) => `${level} ${kind}`)).to.deep.equal(['warn members-not-remembered']);
    rmSync(file(), { recursive: true });
    process.pass(29_000);
    expect(existsSync(file())).to.equal(false);
    process.pass(1000);
    await until('it is written', () => process.rests);
    expect(readFileSync(file(), 'utf8')).to.include('"h1"');
    const nowhere = nodeDisk(join(folder, 'gone'));
    expect(readKnownMembers(nowhere)).to.deep.equal({ members: [] });
    const lost = new Process(nowhere);
    lost.known.note(['h1']);
    await until('it is over', () => lost.rests);
    expect(lost.events).to.have.length(1);
  });
});

describe('known members, when they are written', () => {
  it('one write at a time, at most one a second, and the last word is kept', () => {
    const { disk, run, count } = countedDisk();
    const process = new Process(disk);
    for (let i = 0; i < 100; i++) process.known.note([`h${i}`]);
    run();
    for (let i = 0; i < 100; i++) process.known.note([`h${i}`, 'h']);
    run();
    expect(count()).to.equal(1);
    process.pass(999);
    run();
    expect(count()).to.equal(1);
    process.pass(1);
    run();
    expect(count()).to.equal(2);
    process.pass(10_000);
    run();
    expect(count(), 'nothing new').to.equal(2);
    expect(readKnownMembers(disk).members).to.deep.equal(['h', 'h99']);
  });

  it('an empty list says nothing, and what is given at every start need not be written', () => {
    const { disk, run, count } = countedDisk();
    const process = new Process(disk, ['h1', 'h2']);
    process.known.note([]);
    process.known.note(['h2', 'h1']);
    process.known.noteFirst(['h3']);
    run();
    expect(count()).to.equal(0);
  });

  it('where it began is noted only while nothing better is known', () => {
    const { disk, run } = countedDisk();
    new Process(disk).known.noteFirst(['h1']);
    run();
    expect(readKnownMembers(disk).members).to.deep.equal(['h1']);
    new Process(disk).known.noteFirst(['h2']);
    run();
    expect(readKnownMembers(disk).members).to.deep.equal(['h1']);
  });

  it('after a failed write it is not known what the file holds: also what it held before is written again', () => {
    const { disk, run, count } = countedDisk();
    const process = new Process(disk, ['h1']);
    const syncDirectory = disk.syncDirectory.bind(disk);
    disk.syncDirectory = (_path, done) => done(new DiskError('EIO', 'no'));
    process.known.note(['h2']);
    run();
    expect(process.events).to.have.length(1);
    disk.syncDirectory = syncDirectory;
    process.known.note(['h1']);
    process.pass(30_000);
    run();
    expect(count()).to.equal(2);
    expect(readKnownMembers(disk).members).to.deep.equal(['h1']);
  });
});

describe('root actors', () => {
  it('what is remembered is asked and never a founder', () => {
    const members = [{ id: memberIdOf('h1', 'd1'), host: 'h1' }];
    const profile = { clusterId: 'c', startId: 's', rack: '', pid: 1, version: '0', members };
    const place = { host: 'h1', workers: 1, diskId: 'd1' };
    const argsOf = (worker: number, kind: string): Uint8Array =>
      rootActors({ ...profile, remembered: ['h1', 'h2'] }, { ...place, worker }).find((spec) => spec.kind === kind)
        ?.args as Uint8Array;
    const hosts = (seeds: readonly { readonly host: string }[]): string[] => seeds.map(({ host }) => host);
    expect(hosts(decodeAgentArguments(argsOf(mainWorker, 'agent')).members)).to.deep.equal(['h1', 'h2']);
    expect(hosts(decodeManagerArguments(argsOf(0, 'manager')).members)).to.deep.equal(['h1', 'h2']);
    expect(decodeMetadataArguments(argsOf(0, 'metadata')).founders).to.deep.equal(members);
  });
});
