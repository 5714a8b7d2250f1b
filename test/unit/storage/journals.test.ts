import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { compress } from 'snappy';
import type { Disk } from '../../../runtime/contract/disk.js';
import type { JournalListener } from '../../../runtime/contract/journal.js';
import { crc32 } from '../../../runtime/std/crc32.js';
import { type JournalOptions, type OpenedJournal, openJournal } from '../../../runtime/storage/journal.js';
import { memoryDisk } from '../../../runtime/storage/memory-disk.js';
import { nativeCrc32 } from '../../../runtime/storage/native-crc.js';
import { nativeSha256 } from '../../../runtime/storage/native-sha.js';
import { nodeDisk } from '../../../runtime/storage/node-disk.js';
import { snappyChunks } from '../../../runtime/storage/snappy-chunks.js';
import { describeJournal, type JournalHarness } from '../../contract/journal.js';
import { CrashDisk } from '../../support/crash-disk.js';
import { SessionDisk } from '../../support/session-disk.js';

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
const limits = { segmentBytes: 4096 };

function openOn(disk: Disk, listener: JournalListener, options: Partial<JournalOptions> = {}): OpenedJournal {
  const binding = { clusterId: 'c', host: 'h', diskId: 'd' };
  return openJournal({ disk, directory: 'w0', binding, bootId: 'boot', crc32, limits, listener, ...options });
}

/** Resolves when the journal has begun. */
async function begun(opened: OpenedJournal): Promise<OpenedJournal> {
  await new Promise<void>((resolve) => opened.journal.whenIdle(resolve));
  return opened;
}

const real = {
  crc32: nativeCrc32,
  sha256: nativeSha256,
  codec: snappyChunks((chunk) => compress(chunk)),
};

/** A journal in this very process, which can be ended without a word. */
function inSessions(disk: Disk, options: Partial<JournalOptions>, cleanup: () => void): JournalHarness {
  let session = new SessionDisk(disk);
  const kill = async (): Promise<void> => {
    session.end();
    while (!session.isQuiet) await pause();
  };
  return {
    open: (listener) => {
      session = new SessionDisk(disk);
      return begun(openOn(session, listener, options));
    },
    settle: pause,
    kill,
    cleanup: () => kill().then(cleanup),
  };
}

describeJournal('node:fs, native checksums, snappy', () => {
  const root = mkdtempSync(join(tmpdir(), 'troupe-journal-'));
  return inSessions(nodeDisk(root), real, () => rmSync(root, { recursive: true }));
});

describeJournal('memory', () => inSessions(memoryDisk(setImmediate), {}, () => undefined));

describeJournal('crash disk', () => {
  let disk = new CrashDisk();
  return {
    open: (listener) => {
      const opened = openOn(disk, listener);
      disk.run();
      return Promise.resolve(opened);
    },
    settle: () => disk.run(),
    kill: () => {
      disk = disk.kill();
    },
    cleanup: () => undefined,
  };
});

describe('journal of a real process', function () {
  this.timeout(60_000);
  const children: ChildProcess[] = [];
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'troupe-journal-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true, maxRetries: 10 });
  });

  const moduleUrl = (name: string): string =>
    JSON.stringify(new URL(`../../../runtime/storage/${name}.js`, import.meta.url).href);

  /** Appends as fast as it can and prints what is durable. */
  const script = (): string => `
    import { openJournal } from ${moduleUrl('journal')};
    import { nodeDisk } from ${moduleUrl('node-disk')};
    import { nativeCrc32 } from ${moduleUrl('native-crc')};
    import { writeSync } from 'node:fs';
    const { journal, streams } = openJournal({
      disk: nodeDisk(${JSON.stringify(root)}), directory: 'w0', bootId: 'boot', crc32: nativeCrc32,
      binding: { clusterId: 'c', host: 'h', diskId: 'd' }, limits: { segmentBytes: 65536 },
      listener: {
        durable: (lsn) => { writeSync(1, lsn + '\\n'); go(); },
        pressure: () => undefined,
        fatal: (error) => { throw error; },
      },
    });
    const go = () => {
      for (let i = 0; i < 20; i++) journal.append('a', 1, new Uint8Array(100 + i).fill(journal.nextLsn & 255));
      journal.flush();
    };
    journal.whenIdle(() => { if (streams.length === 0) journal.openStream('a', 'k', new Uint8Array(0)); go(); });`;

  it('W1: what a process said was durable is there after kill -9, many times over', async () => {
    let durable = 0;
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script()], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      let output = '';
      await new Promise<void>((resolve) => {
        child.stdout?.on('data', (data: Buffer) => {
          output += data.toString();
          if (output.split('\n').length > 20 + round * 13) child.kill('SIGKILL');
        });
        child.once('close', () => resolve());
      });
      durable = Math.max(durable, ...output.split('\n').slice(0, -1).map(Number));
      const opened = await begun(
        openOn(
          nodeDisk(root),
          { durable() {}, pressure() {}, fatal() {} },
          { crc32: nativeCrc32, limits: { segmentBytes: 65536 } },
        ),
      );
      expect(opened.summary.end).to.be.oneOf(['clean', 'torn']);
      expect(opened.journal.nextLsn).to.be.at.least(durable);
      let next = 0;
      opened.journal.replay('a', {
        snapshot: () => undefined,
        snapshotChunk: () => undefined,
        record: ({ lsn, payload }) => {
          expect(lsn).to.equal(next++);
          expect(payload[0]).to.equal(lsn & 255);
        },
      });
      expect(next).to.equal(opened.journal.nextLsn);
      await new Promise<void>((resolve) => opened.journal.close(resolve));
    }
    expect(durable).to.be.greaterThan(1000);
  });
});
