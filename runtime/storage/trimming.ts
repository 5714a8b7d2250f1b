// What the journal no longer needs, and who keeps the rest
// =============================================================================
//
// Invariants
//   Q1. A segment goes only when no stream has a record in it that its older kept snapshot does not cover (D13).
//   Q2. Segments go from the front only, so the chain stays whole.

import type { SegmentIndex } from './record-index.js';
import type { StreamRegistry } from './stream-registry.js';

/** Where replay of a stream may have to start: at its older snapshot, in case the newer one is unreadable (D12). */
export function floorsOf(registry: StreamRegistry): (stream: number) => number | undefined {
  return (stream) => {
    const entry = registry.get(stream);
    return entry === undefined ? undefined : (entry.snapshots[0]?.replayFromLsn ?? 0);
  };
}

/** How many segments at the front are needed by nobody. The current one always stays. */
export function droppableCount(segments: readonly SegmentIndex[], registry: StreamRegistry): number {
  const floorOf = floorsOf(registry);
  let count = 0;
  for (const segment of segments.slice(0, -1)) {
    if (segment.needing(floorOf).next().done !== true) break; // Q1, Q2
    count++;
  }
  return count;
}

/** Streams that keep the oldest segment. */
export function pinning(segments: readonly SegmentIndex[], registry: StreamRegistry): readonly number[] {
  const oldest = segments[0];
  return oldest === undefined || segments.length === 1 ? [] : [...oldest.needing(floorsOf(registry))];
}

export function totalBytes(segments: readonly SegmentIndex[]): number {
  let bytes = 0;
  for (const segment of segments) bytes += segment.fileBytes;
  return bytes;
}
