// The committed log of every partition, as all its replicas say it together
// =============================================================================
//
// Whenever a replica's high watermark passes a batch, that batch is compared with what any replica committed there before. The first to
// commit writes the book; all others, in whatever epoch, must say the same.
//
// Owns:     what was committed, for ever.
//
// Invariants
//   J1. One content for each offset below a high watermark, whoever says it and whenever (R1, R21). Over the fault budget a history may have been
//       lost, and then its successor says so: of a later lineage nothing is known here (R18).

import { crc32 } from '../../runtime/std/crc32.js';
import { assert } from '../../runtime/std/assert.js';
import type { PartitionReplica } from '../partition/replica.js';
import type { Placed } from './simulated-mesh.js';

export interface CommittedBatch {
  readonly base: number;
  readonly end: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
  readonly checksum: number;
  /** Who said so first. */
  readonly host: string;
}

export class CommittedLog {
  readonly #partitions = new Map<
    number,
    { readonly batches: CommittedBatch[]; readonly byBase: Map<number, number> }
  >();
  /** How far each replica object was compared. */
  readonly #compared = new WeakMap<object, number>();
  readonly #firstLineageOnly: boolean;
  /** The newest lineage that any replica of a partition was in, above the first. */
  readonly #lineages = new Map<number, number>();

  /** @param firstLineageOnly over the fault budget */
  constructor(firstLineageOnly = false) {
    this.#firstLineageOnly = firstLineageOnly;
  }

  /** What is committed of that partition, as far as seen, from offset 0 on. */
  batches(partition: number): readonly CommittedBatch[] {
    return this.#partitions.get(partition)?.batches ?? [];
  }

  /** The newest that any replica was seen in, also of a partition that is deleted by now. */
  lineage(partition: number): number {
    return this.#lineages.get(partition) ?? 1;
  }

  partitions(): readonly number[] {
    return [...this.#partitions.keys()].sort((a, b) => a - b);
  }

  /** The true high watermark: the highest that any replica ever had. */
  end(partition: number): number {
    return this.#partitions.get(partition)?.batches.at(-1)?.end ?? 0;
  }

  /** Whether the replica has all of it on its disk, byte for byte as far as it is in its log and not in its snapshot. */
  isHeldBy({ core }: PartitionReplica): boolean {
    const { log, durableEnd, partition } = core;
    if (durableEnd < this.end(partition)) return false;
    return this.batches(partition).every(({ base, end, checksum }) => {
      if (base < log.start) return true;
      const entry = log.entryAt(base);
      return entry !== undefined && entry.base === base && entry.end === end && crc32(entry.bytes) === checksum;
    });
  }

  /** Looks at what the replica has committed since it was looked at last. @throws when it is not what was committed before (J1) */
  observe({ host, replica }: Placed): void {
    const { core } = replica;
    const { log, highWatermark, partition } = core;
    if (core.lineage > this.lineage(partition)) this.#lineages.set(partition, core.lineage);
    let at = this.#compared.get(core) ?? 0;
    if (at >= highWatermark || (this.#firstLineageOnly && core.lineage > 1)) return;
    let book = this.#partitions.get(partition);
    if (book === undefined) this.#partitions.set(partition, (book = { batches: [], byBase: new Map() }));
    const known = book.batches.at(-1)?.end ?? 0;
    // What is in its snapshot and not in its log any more is compared by state hash (R24).
    at = Math.max(at, Math.min(log.start, highWatermark));
    assert(at <= known, `J1: partition ${partition}: ${host} begins at ${at}, only ${known} was seen committed`);
    while (at < highWatermark) {
      const entry = log.entryAt(at);
      assert(entry !== undefined && entry.base === at, `J1: partition ${partition}: ${host} has no batch at ${at}`);
      const checksum = crc32(entry.bytes);
      const index = book.byBase.get(at);
      if (index === undefined) {
        const end = book.batches.at(-1)?.end ?? 0;
        assert(
          at === end,
          `J1: partition ${partition}: ${host} cuts batches otherwise: ${at} is inside one, ${end} is the end`,
        );
        book.byBase.set(at, book.batches.length);
        book.batches.push({ base: at, end: entry.end, epoch: entry.epoch, bytes: entry.bytes.slice(), checksum, host });
      } else {
        const before = book.batches[index] as CommittedBatch;
        assert(
          before.end === entry.end && before.epoch === entry.epoch && before.checksum === checksum,
          `J1: partition ${partition} at ${at}: ${host} committed epoch ${entry.epoch} to ${entry.end}, ${before.host} had committed epoch ${before.epoch} to ${before.end}`,
        );
      }
      at = entry.end;
    }
    this.#compared.set(core, at);
  }
}
