import fs, { mkdtempSync, rmSync, statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DiskFile } from '../../../runtime/contract/disk.js';
import { FaultFolder } from '../../../runtime/storage/fault-folder.js';
import { faultyDisk } from '../../../runtime/storage/faulty-disk.js';
import { lossyDisk } from '../../../runtime/storage/lossy-disk.js';
import { memoryDisk } from '../../../runtime/storage/memory-disk.js';
import { nodeDisk, type PartialWrite, writeFully } from '../../../runtime/storage/node-disk.js';
import { describeDisk } from '../../contract/disk.js';
import { CrashDisk } from '../../support/crash-disk.js';

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

function alternately(): () => boolean {
  let count = 0;
  return () => count++ % 2 === 0;
}

describeDisk('node:fs', () => {
  const root = mkdtempSync(join(tmpdir(), 'troupe-disk-'));
  return { disk: nodeDisk(root), settle: turn, cleanup: () => rmSync(root, { recursive: true }) };
});

for (const [name, isLossy] of [
  ['lossy', () => true],
  ['lossy, never', () => false],
  ['lossy, now and then', alternately()],
] as const)
  describeDisk(name, () => {
    const root = mkdtempSync(join(tmpdir(), 'troupe-disk-'));
    return { disk: lossyDisk(nodeDisk(root), isLossy), settle: turn, cleanup: () => rmSync(root, { recursive: true }) };
  });

describeDisk('faulty, and well', () => {
  const root = mkdtempSync(join(tmpdir(), 'troupe-disk-'));
  const folder = FaultFolder.of(join(root, 'd'));
  return { disk: faultyDisk(nodeDisk(root), folder), settle: turn, cleanup: () => rmSync(root, { recursive: true }) };
});

describeDisk('memory', () => ({ disk: memoryDisk(setImmediate), settle: turn, cleanup: () => undefined }));

describeDisk('crash disk of the tests', () => {
  const disk = new CrashDisk();
  return { disk, settle: () => disk.run(), cleanup: () => undefined };
});

/** How often anything is synced until `undo`. */
function countedSyncs(): { readonly count: () => number; readonly undo: () => void } {
  const original = fs.fdatasync;
  let syncs = 0;
  fs.fdatasync = Object.assign((handle: number, done: fs.NoParamCallback) => {
    syncs++;
    original(handle, done);
  }, original);
  syncBuiltinESMExports();
  return {
    count: () => syncs,
    undo: () => {
      fs.fdatasync = original;
      syncBuiltinESMExports();
    },
  };
}

describe('node disk', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'troupe-disk-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('O4: of one file little is unsynced at any time', async () => {
    const syncs = countedSyncs();
    try {
      const disk = nodeDisk(root);
      const file = await new Promise<DiskFile>((resolve, reject) =>
        disk.create('segment', 16 * 1024 * 1024, (error, created) =>
          created === undefined ? reject(error) : resolve(created),
        ),
      );
      expect(syncs.count(), 'while it was filled with zeros').to.be.within(7, 9);
      const before = syncs.count();
      const write = (position: number): Promise<unknown> =>
        new Promise((resolve) => file.write(position, new Uint8Array(256 * 1024), resolve));
      for (let i = 0; i < 7; i++) expect(await write(i * 256 * 1024)).to.equal(undefined);
      expect(syncs.count() - before).to.equal(0);
      for (let i = 7; i < 17; i++) expect(await write(i * 256 * 1024)).to.equal(undefined);
      expect(syncs.count() - before).to.equal(2);
      await new Promise((resolve) => file.close(resolve));
    } finally {
      syncs.undo();
    }
  });

  it('O3: refuses paths that lead out of its root', () => {
    const disk = nodeDisk(root);
    expect(() => disk.read('../x', 0, 1)).to.throw('O3');
    expect(() => disk.read('/etc/hostname', 0, 1)).to.throw('O3');
  });

  it('O2: allocates a created file in full, so that appends need no more space', async () => {
    const disk = nodeDisk(root);
    const error = await new Promise((resolve) =>
      disk.create('a', 4 * 1024 * 1024, (failed, file) => {
        if (file === undefined) resolve(failed);
        else file.close(resolve);
      }),
    );
    expect(error).to.equal(undefined);
    const stat = statSync(join(root, 'a'));
    expect(stat.size).to.equal(4 * 1024 * 1024);
    // Blocks of 512 bytes; a file system that compresses zeros or has none to count reports fewer.
    if (stat.blocks > 0) expect(stat.blocks * 512).to.be.at.least(4 * 1024 * 1024);
  });

  it('O1: continues short writes until all is written, and fails when nothing is taken', () => {
    const written = new Uint8Array(20);
    const calls: number[] = [];
    const inThrees: PartialWrite = (bytes, offset, length, position, done) => {
      const count = Math.min(3, length);
      written.set(bytes.subarray(offset, offset + count), position);
      calls.push(count);
      done(null, count);
    };
    let outcome: unknown = 'none';
    writeFully(inThrees, 'x', 5, Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), (error) => {
      outcome = error;
    });
    expect(outcome).to.equal(undefined);
    expect(calls).to.deep.equal([3, 3, 3, 1]);
    expect([...written.subarray(4, 16)]).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0]);
    writeFully(
      (_bytes, _offset, _length, _position, done) => done(null, 0),
      'x',
      0,
      Uint8Array.of(1),
      (error) => {
        outcome = error?.code;
      },
    );
    expect(outcome).to.equal('EIO');
  });
});
