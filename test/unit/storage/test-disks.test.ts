import { expect } from 'chai';
import fc from 'fast-check';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Disk, DiskError, type DiskFile } from '../../../runtime/contract/disk.js';
import { FaultFolder } from '../../../runtime/storage/fault-folder.js';
import { type DiskFaults, faultyDisk } from '../../../runtime/storage/faulty-disk.js';
import { lossyDisk } from '../../../runtime/storage/lossy-disk.js';
import { nodeDisk } from '../../../runtime/storage/node-disk.js';
import { HostError } from '../../../runtime/threads/exit-codes.js';
import { testDiskEvent, testDiskOf } from '../../../runtime/threads/test-disk.js';

type Completion<T> = (error: DiskError | undefined, value?: T) => void;

function outcome<T>(start: (done: Completion<T>) => void): Promise<T> {
  return new Promise((resolve, reject) =>
    start((error, value) => (error === undefined ? resolve(value as T) : reject(error))),
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(DiskError);
  return (error as DiskError).code;
}

const create = (disk: Disk, path: string, size = 0): Promise<DiskFile> =>
  outcome<DiskFile>((done) => disk.create(path, size, done));
const write = (file: DiskFile, position: number, ...bytes: number[]): Promise<void> =>
  outcome((done) => file.write(position, Uint8Array.from(bytes), done));
const sync = (file: DiskFile): Promise<void> => outcome((done) => file.sync(done));
const close = (file: DiskFile): Promise<void> => outcome((done) => file.close(done));

describe('lossy disk', () => {
  let root = '';
  /** What a process that was killed now would leave. */
  let left: Disk;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'troupe-lossy-'));
    left = nodeDisk(root);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const always = (): Disk => lossyDisk(nodeDisk(root), () => true);
  const bytesOf = (disk: Disk, path: string): number[] => [...disk.read(path, 0, 99)];

  it('L1 L2: what was written is seen at once, and is on the disk below after its sync only', async () => {
    const disk = always();
    const file = await create(disk, 'a', 4);
    await write(file, 1, 7, 8);
    expect(bytesOf(disk, 'a')).to.deep.equal([0, 7, 8, 0]);
    expect(bytesOf(left, 'a')).to.deep.equal([0, 0, 0, 0]);
    await sync(file);
    expect(bytesOf(left, 'a')).to.deep.equal([0, 7, 8, 0]);
    await write(file, 3, 9, 9);
    expect(disk.sizeOf('a')).to.equal(5);
    expect(left.sizeOf('a')).to.equal(4);
    await close(file);
    expect(bytesOf(disk, 'a'), 'closing is no sync, and no loss').to.deep.equal([0, 7, 8, 9, 9]);
    expect(bytesOf(left, 'a')).to.deep.equal([0, 7, 8, 0]);
    const again = await outcome<DiskFile>((done) => disk.open('a', done));
    await sync(again);
    expect(bytesOf(left, 'a')).to.deep.equal([0, 7, 8, 9, 9]);
    await close(again);
  });

  it('L3: names change below when their directory is synced, in the order in which they were changed', async () => {
    const disk = always();
    for (const name of ['a', 'b']) {
      const file = await create(disk, name);
      await write(file, 0, name === 'a' ? 1 : 2);
      await sync(file);
      await close(file);
    }
    await outcome((done) => disk.rename('a', 'c', done));
    await outcome((done) => disk.rename('b', 'a', done));
    await outcome((done) => disk.remove('c', done));
    expect(disk.list('')).to.deep.equal(['a']);
    expect(bytesOf(disk, 'a')).to.deep.equal([2]);
    expect(() => disk.read('c', 0, 1)).to.throw(DiskError);
    expect(left.list('')).to.deep.equal(['a', 'b']);
    expect(bytesOf(left, 'a')).to.deep.equal([1]);
    await outcome((done) => disk.syncDirectory('', done));
    expect(left.list('')).to.deep.equal(['a']);
    expect(bytesOf(left, 'a')).to.deep.equal([2]);
    expect(bytesOf(disk, 'a')).to.deep.equal([2]);
  });

  it('L2: beyond its bounds it writes back by itself', async () => {
    const disk = lossyDisk(nodeDisk(root), () => true, { unsyncedBytesMax: 4, unsyncedNamesMax: 1 });
    const file = await create(disk, 'a', 8);
    for (const position of [0, 2, 4, 6]) await write(file, position, 1, 1);
    expect(bytesOf(left, 'a')).to.deep.equal([1, 1, 1, 1, 1, 1, 1, 1]);
    for (const name of ['x', 'y', 'z']) await close(await create(disk, name));
    for (const name of ['x', 'y', 'z']) await outcome((done) => disk.remove(name, done));
    expect(left.list('')).to.deep.equal(['a', 'z']);
    expect(disk.list('')).to.deep.equal(['a']);
    await close(file);
  });

  it('L1 L2 L3: reads as the disk below would, whatever was synced, over random operations', async function () {
    this.timeout(30_000);
    const names = ['a', 'b', 'c'] as const;
    const operation = fc.record({
      kind: fc.constantFrom('write', 'write', 'sync', 'rename', 'remove', 'directory', 'toggle'),
      name: fc.constantFrom(...names),
      other: fc.constantFrom(...names),
      position: fc.nat(6),
      byte: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
        const folders = ['lossy', 'plain'].map((name) => join(root, name));
        for (const folder of folders) mkdirSync(folder);
        let isLossy = true;
        const lossy = lossyDisk(nodeDisk(folders[0] as string), () => isLossy);
        const plain = nodeDisk(folders[1] as string);
        try {
          for (const { kind, name, other, position, byte } of operations) {
            if (kind === 'toggle') isLossy = !isLossy;
            for (const disk of [lossy, plain]) {
              if (kind === 'directory') await outcome((done) => disk.syncDirectory('', done));
              if (kind === 'remove') await outcome((done) => disk.remove(name, done));
              if (kind === 'rename' && disk.sizeOf(name) !== undefined && name !== other)
                await outcome((done) => disk.rename(name, other, done));
              if (kind !== 'write' && kind !== 'sync') continue;
              const file =
                disk.sizeOf(name) === undefined
                  ? await create(disk, name, 2)
                  : await outcome<DiskFile>((done) => disk.open(name, done));
              if (kind === 'write') await write(file, position, byte, byte);
              else await sync(file);
              await close(file);
            }
            expect(lossy.list('')).to.deep.equal(plain.list(''));
            for (const one of plain.list('')) expect(bytesOf(lossy, one)).to.deep.equal(bytesOf(plain, one));
          }
        } finally {
          for (const folder of folders) rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('faulty disk', () => {
  let root = '';
  let folder: FaultFolder;
  let disk: Disk;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'troupe-faulty-'));
    folder = FaultFolder.of(join(root, 'h1'));
    disk = faultyDisk(nodeDisk(root), folder);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('F1: full, it takes what was allocated and refuses what needs blocks', async () => {
    const file = await create(disk, 'a', 4);
    folder.set('full');
    await write(file, 0, 1, 2, 3, 4);
    expect(await codeOf(write(file, 3, 5, 6))).to.equal('ENOSPC');
    expect(await codeOf(create(disk, 'b', 1))).to.equal('ENOSPC');
    expect(disk.list('')).to.include('a').and.not.include('b');
    await close(await create(disk, 'empty'));
    folder.clear('full');
    await write(file, 3, 5, 6);
    await close(file);
    expect([...disk.read('a', 0, 9)]).to.deep.equal([1, 2, 3, 5, 6]);
  });

  it('F2: one sync fails, of one file, and what it was for stays un-synced', async () => {
    const lossy = faultyDisk(
      lossyDisk(nodeDisk(root), () => true),
      folder,
    );
    const files = await Promise.all(['a', 'b', 'c'].map((name) => create(lossy, name, 1)));
    for (const file of files) await write(file, 0, 9);
    folder.set('fail-sync');
    const results = await Promise.allSettled(files.map((file) => sync(file)));
    expect(results.filter(({ status }) => status === 'rejected')).to.have.length(1);
    expect(['a', 'b', 'c'].filter((name) => readFileSync(join(root, name))[0] === 9)).to.have.length(2);
    expect(folder.has('fail-sync')).to.equal(false);
    for (const file of files) {
      await sync(file);
      await close(file);
    }
  });

  it('F3: a hanging disk answers nothing until it hangs no more, a slow one answers late', async () => {
    const file = await create(disk, 'a', 4);
    folder.set('hang');
    let answers = 0;
    const asked = [sync(file), write(file, 0, 1), outcome((done) => disk.syncDirectory('', done))];
    for (const one of asked) void one.then(() => answers++);
    await outcome((done) => left(root).syncDirectory('', done)); // a disk that is well has answered meanwhile
    expect(answers).to.equal(0);
    folder.clear();
    await Promise.all(asked);
    folder.set('slow', '30');
    const order: string[] = [];
    await Promise.all([sync(file).then(() => order.push('sync')), write(file, 0, 2).then(() => order.push('write'))]);
    expect(order).to.deep.equal(['write', 'sync']);
    await close(file);
  });

  it('is told by files that anyone can list, and is as it was without them', () => {
    const faults: DiskFaults = folder;
    for (const name of ['full', 'hang', 'fail-sync'] as const) folder.set(name);
    folder.set('slow', '250');
    expect(readdirSync(join(root, 'h1.faults'))).to.have.members(['full', 'hang', 'fail-sync', 'slow']);
    expect([faults.isFull(), faults.isHanging(), faults.syncDelayMs()]).to.deep.equal([true, true, 250]);
    expect([faults.takeSyncFailure(), faults.takeSyncFailure()]).to.deep.equal([true, false]);
    folder.set('slow', 'nonsense');
    expect(faults.syncDelayMs()).to.equal(0);
    folder.clear();
    expect([faults.isFull(), faults.isHanging(), faults.syncDelayMs(), faults.takeSyncFailure()]).to.deep.equal([
      false,
      false,
      0,
      false,
    ]);
  });
});

function left(root: string): Disk {
  return nodeDisk(root);
}

describe('TROUPE_DISK', () => {
  it('names disks for tests, refuses what it does not know in one line, and is said loudly', () => {
    expect([...testDiskOf({})]).to.deep.equal([]);
    expect([...testDiskOf({ TROUPE_DISK: 'lossy, faulty' })]).to.deep.equal(['lossy', 'faulty']);
    expect(() => testDiskOf({ TROUPE_DISK: 'losy' }))
      .to.throw(HostError, 'TROUPE_DISK takes lossy, slow, faulty, small, not losy')
      .with.property('exitCode', 78);
    expect(testDiskEvent('/d', testDiskOf({}))).to.equal(undefined);
    expect(testDiskEvent('/d', testDiskOf({ TROUPE_DISK: 'faulty' }))).to.include({
      level: 'warn',
      faults: '/d.faults',
    });
  });
});
