// The bytes of a journal, for ever
// =============================================================================
//
// What version 1 wrote must be read by every later version. The first test holds the worked example of FORMAT.md; the directory
// beside this file was written once, with WRITE_GOLDEN=1, and is never written again.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { toHex } from '../../runtime/std/bytes.js';
import { nativeSha256 } from '../../runtime/storage/native-sha.js';
import { decompressSnappy } from '../../runtime/storage/snappy-chunks.js';
import type { ChunkCodec } from '../../runtime/storage/snapshot-format.js';
import { CrashDisk } from '../support/crash-disk.js';
import { openOn, replayText, snapshotNow, text } from '../support/journal-on-crash-disk.js';
import { compressSync } from 'snappy';

const golden = join(process.cwd(), 'test/golden/storage-v1');
const generation = 'w0/generation-0000000001';

const snappy: ChunkCodec = {
  id: 1,
  compress: (chunk, done) => done(compressSync(chunk)),
  decompress: decompressSnappy,
};

describe('storage format, version 1', () => {
  it('is the worked example of FORMAT.md', () => {
    const { journal, disk } = openOn(new CrashDisk());
    journal.openStream('a', 'k', text(''));
    expect(journal.append('a', 7, text('hi'))).to.equal(0);
    journal.flush();
    disk.run();
    const bytes = disk.bytes(`${generation}/segment-0000000001`);
    expect(bytes).to.have.length(4096);
    expect(bytes.subarray(296).every((byte) => byte === 0)).to.equal(true);
    const rows = [0, 64, 128, 184, 240].map((from, at, all) => toHex(bytes.subarray(from, all[at + 1] ?? 296)));
    expect(rows).to.deep.equal([
      // header: magic, version 1, 128 bytes, 4096 bytes, segment 1 … boot id
      '54524f555045574c010080000010000001000000000000000000000000000000000000000000000000000000000000000000000000000000626f6f7400000000',
      '0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002ea48d6f',
      // checkpoint: no streams, first segment 1, next stream 1
      'e93e06a40300000080000100000000000000000000000000000000000000000000000000000000002ea48d6fc5d85d910001010000000000',
      // stream 1, no damage, "a", "k", no args, no snapshots
      'dca6301b080000008100010000000000010000000000000000000000000000000100000000000000e93e06a40b11b83a01000161016b0000',
      // type 7, stream 1: "hi"
      '40e3f297020000000700010001000000020000000000000000000000000000000100000000000000dca6301bac2a93d86869000000000000',
    ]);
  });

  it('still opens: records, streams, trimmed segments, a clean end and a compressed snapshot', () => {
    if (process.env['WRITE_GOLDEN'] !== undefined && !existsSync(golden)) writeGolden();
    const disk = new CrashDisk();
    disk.makeDirectory(generation);
    for (const name of readdirSync(golden)) disk.setBytes(`${generation}/${name}`, readFileSync(join(golden, name)));
    const { journal, streams, summary } = openOn(disk, { codec: snappy, sha256: nativeSha256, bootId: 'later' });
    expect(summary).to.deep.equal({ end: 'clean', generation: 1, recordCount: 3 });
    expect(streams.map(({ name, kind, args, report }) => [name, kind, toHex(args), report])).to.deep.equal([
      ['partition-1', 'partition', '010203', { end: 'clean', cleanShutdown: true, sameBoot: false, recordCount: 1 }],
      ['metadata', 'metadata', '', { end: 'clean', cleanShutdown: true, sameBoot: false, recordCount: 2 }],
    ]);
    const partition = replayText(journal, 'partition-1');
    expect(partition.snapshot).to.equal(`state 1|${'compressible '.repeat(50)}|short`);
    expect(partition.records).to.deep.equal(['42 after the snapshot']);
    expect(replayText(journal, 'metadata').records).to.deep.equal(['41 vote', '43 entry']);
  });
});

function writeGolden(): void {
  const open = openOn(new CrashDisk(), { codec: snappy, sha256: nativeSha256, limits: { segmentBytes: 2048 } });
  const { journal, disk } = open;
  journal.openStream('partition-1', 'partition', Uint8Array.of(1, 2, 3));
  journal.openStream('metadata', 'metadata', new Uint8Array(0));
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 20; i++) journal.append('partition-1', 1, text(`round ${round} record ${i} ${'.'.repeat(60)}`));
    journal.flush();
    disk.run();
    snapshotNow(open, 'partition-1', journal.nextLsn, `state ${round}`, ['compressible '.repeat(50), 'short']);
  }
  journal.append('partition-1', 1, text('before'));
  journal.append('metadata', 2, text('vote'));
  journal.append('partition-1', 1, text('after the snapshot'));
  journal.append('metadata', 2, text('entry'));
  journal.flush();
  disk.run();
  snapshotNow(open, 'partition-1', 41, 'state 1', ['compressible '.repeat(50), 'short']);
  journal.close(() => undefined);
  disk.run();
  mkdirSync(golden, { recursive: true });
  for (const path of disk.paths()) writeFileSync(join(golden, path.split('/').at(-1) as string), disk.bytes(path));
}
