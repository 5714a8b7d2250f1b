// What lies on a disk: a whole segment, a whole snapshot
// =============================================================================

import { crc32 } from 'node:zlib';
import { compressSync } from 'snappy';
import { journalSeed, segmentSeed, snapshotSeed } from '../../../runtime/storage/binding.js';
import { findJournal } from '../../../runtime/storage/generations.js';
import { nativeCrc32 } from '../../../runtime/storage/native-crc.js';
import { decompressSnappy, snappyCodecId } from '../../../runtime/storage/snappy-chunks.js';
import {
  encodeBlockHeader,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  snapshotFooterBytes,
  snapshotHeaderBytes,
} from '../../../runtime/storage/snapshot-format.js';
import { isSnapshotReadable, readSnapshot } from '../../../runtime/storage/snapshot-reader.js';
import { binding, openOn, replayText, text } from '../../support/journal-on-crash-disk.js';
import { JournalModel } from '../../support/journal-model.js';
import { readReference } from '../../support/reference-journal.js';
import { TracedDisk } from '../../support/traced-disk.js';
import { accepted, rule, type Target } from '../target.js';

const path = 'w0/generation-0000000001/segment-0000000001';
const seed = journalSeed(nativeCrc32, binding, 'w0');
const firstSeed = segmentSeed(nativeCrc32, seed, 1, 1);

function segmentSamples(): Uint8Array[] {
  return [0, 1].map((variant) => {
    const open = openOn(TracedDisk.of({ directories: new Set(), files: new Map() }), {
      crc32: nativeCrc32,
      limits: { segmentBytes: 1024 },
    });
    const model = new JournalModel();
    model.open(open.journal, 'a');
    if (variant === 1) model.open(open.journal, 'b');
    for (let i = 0; i < 3; i++) {
      model.append(open.journal, 'a', `record ${i}`);
      open.journal.flush();
      open.disk.run();
    }
    if (variant === 1) model.close(open.journal, 'b');
    open.journal.close(() => undefined);
    open.disk.run();
    return open.disk.contents().files.get(path) as Uint8Array;
  });
}

/** Header, records and chain as somebody would write them who means what stands there. */
function repairSegment(input: Uint8Array): Uint8Array {
  if (input.length < 128) return input;
  const bytes = input.slice();
  const view = new DataView(bytes.buffer);
  view.setUint32(124, crc32(bytes.subarray(0, 124), firstSeed), true);
  let chain = view.getUint32(124, true);
  for (let at = 128; at + 48 <= bytes.length; ) {
    const payloadBytes = view.getUint32(at + 4, true);
    if (at + 48 + payloadBytes > bytes.length || (payloadBytes === 0 && view.getUint32(at, true) === 0)) break;
    view.setUint32(at + 40, chain, true);
    view.setUint32(at + 44, crc32(bytes.subarray(at + 48, at + 48 + payloadBytes)), true);
    chain = crc32(bytes.subarray(at + 4, at + 48), firstSeed);
    view.setUint32(at, chain, true);
    at += 48 + Math.ceil(payloadBytes / 8) * 8;
  }
  return bytes;
}

export const segmentTarget: Target = {
  name: 'segment',
  samples: segmentSamples,
  repair: repairSegment,
  run(input) {
    const contents = { directories: new Set(['w0', 'w0/generation-0000000001']), files: new Map([[path, input]]) };
    const { reading } = findJournal(TracedDisk.of(contents), nativeCrc32, 'w0', seed);
    const open = openOn(TracedDisk.of(contents), { crc32: nativeCrc32, limits: { segmentBytes: 4096 } });
    rule(open.told.length === 0, `a start fails: ${open.told.join(', ')}`);
    const reference = readReference(input, firstSeed);
    let count = 0;
    for (const { name } of open.streams) count += replayText(open.journal, name).records.length;
    rule(count <= (reference?.records.length ?? 0), 'Z5: more records than the second reader finds');
    if (reading.verdict === 'clean')
      rule(reference?.isZeroBehind === true, 'Z5: clean, and something stands behind the end');
    return reading.verdict === 'clean' || reading.verdict === 'torn';
  },
};

const stream = 3;
const id = 5;
const place = {
  crc32: nativeCrc32,
  path: 'snapshot',
  seed: snapshotSeed(nativeCrc32, seed, 1, stream, id),
  stream,
  sha256: undefined,
};

function snapshotFile(
  blocks: readonly { readonly codec: number; readonly chunkBytes: number; readonly stored: Uint8Array }[],
): Uint8Array {
  const header = encodeSnapshotHeader(nativeCrc32, place.seed, stream, id, 7, text('meta'));
  const parts = [header.bytes];
  let chain = header.crc;
  for (const { codec, chunkBytes, stored } of blocks) {
    const block = encodeBlockHeader(nativeCrc32, chain, chunkBytes, codec, stored);
    parts.push(block.bytes, stored);
    chain = block.crc;
  }
  const fileBytes = parts.reduce((sum, part) => sum + part.length, snapshotFooterBytes);
  const footer = { blockCount: blocks.length, fileBytes, sha256: undefined, chain };
  return Buffer.concat([...parts, encodeSnapshotFooter(nativeCrc32, place.seed, footer)]);
}

/** Checksums and footer made right for whatever blocks stand there. */
function repairSnapshot(input: Uint8Array): Uint8Array {
  if (input.length < snapshotHeaderBytes) return input;
  const bytes = input.slice();
  const view = new DataView(bytes.buffer);
  const metaBytes = view.getUint32(12, true);
  if (snapshotHeaderBytes + metaBytes > bytes.length) return input;
  view.setUint32(40, crc32(bytes.subarray(snapshotHeaderBytes, snapshotHeaderBytes + metaBytes)), true);
  let chain = crc32(bytes.subarray(0, 44), place.seed);
  view.setUint32(44, chain, true);
  let at = snapshotHeaderBytes + metaBytes;
  let blockCount = 0;
  while (at + 16 <= bytes.length && !(view.getUint32(at, true) === 0 && view.getUint32(at + 4, true) === 0xffff_ffff)) {
    const end = at + 16 + view.getUint32(at + 4, true);
    if (end > bytes.length) break;
    chain = crc32(bytes.subarray(at + 16, end), crc32(bytes.subarray(at, at + 12), chain));
    view.setUint32(at + 12, chain, true);
    at = end;
    blockCount++;
  }
  const footer = { blockCount, fileBytes: at + snapshotFooterBytes, sha256: undefined, chain };
  return Buffer.concat([bytes.subarray(0, at), encodeSnapshotFooter(nativeCrc32, place.seed, footer)]);
}

export const snapshotTarget: Target = {
  name: 'snapshot',
  samples() {
    const long = text('compressible '.repeat(40));
    return [
      snapshotFile([]),
      snapshotFile([{ codec: 0, chunkBytes: 5, stored: text('chunk') }]),
      snapshotFile([
        { codec: snappyCodecId, chunkBytes: long.length, stored: compressSync(long) },
        { codec: 0, chunkBytes: 4, stored: text('more') },
      ]),
    ];
  },
  repair: repairSnapshot,
  run(input) {
    const disk = TracedDisk.of({ directories: new Set(), files: new Map([['snapshot', input]]) });
    const entry = { id, replayFromLsn: 7, fileBytes: input.length };
    if (!isSnapshotReadable({ ...place, disk }, entry)) return false;
    const footer = input.subarray(-snapshotFooterBytes);
    rule(
      crc32(footer.subarray(0, 68), place.seed) === Buffer.from(footer).readUInt32LE(68),
      'Z5: a wrong footer was accepted',
    );
    let bytes = 0;
    const found = accepted(() =>
      readSnapshot(
        { ...place, disk },
        entry,
        { id: snappyCodecId, compress: (_chunk, done) => done(undefined), decompress: decompressSnappy },
        {
          snapshot: (meta) => {
            bytes += meta.length;
          },
          snapshotChunk: (chunk) => {
            bytes += chunk.length;
          },
          record: () => rule(false, 'a snapshot has no records'),
        },
      ),
    );
    rule(bytes <= 64 * input.length + 1024, `Z3: ${bytes} bytes of ${input.length}`);
    return found !== undefined;
  },
};
