// The in-sync set, and what is in flight to change it
// =============================================================================
//
// The controller decides; the leader proposes. Until it knows which of its proposals was taken, a leader must wait for everybody who might
// be in the set: that is the *maximal* in-sync set, and here it is a definition, not a habit.
//
// Invariants
//   I1. maximal = committed ∪ every set proposed under the present partition epoch, answered or not: a repeated proposal may be taken late.
//   I2. A new partition epoch settles everything: proposals compare-and-set on the old one and can no longer be taken.
//
// Sources: Kafka `Partition.scala` (PendingExpandIsr, PendingShrinkIsr); CORRECTNESS R5, R13, "Maximal ISR". We differ: a refused proposal does not
// shrink the maximal set, since a duplicate of it may still be accepted; only a newer partition epoch does.

import { planted } from '../../../runtime/probes/probes.js';
import { assert } from '../../../runtime/std/assert.js';

export type InSync =
  | { readonly kind: 'settled'; readonly partitionEpoch: number; readonly committed: ReadonlySet<string> }
  | {
      readonly kind: 'proposed';
      readonly partitionEpoch: number;
      readonly committed: ReadonlySet<string>;
      /** The newest proposal; repeated until a newer partition epoch is seen. */
      readonly proposal: ReadonlySet<string>;
      /** Everybody in any proposal of this partition epoch. */
      readonly proposedEver: ReadonlySet<string>;
      readonly sentAtMs: number;
    };

export function settled(partitionEpoch: number, committed: readonly string[]): InSync {
  return { kind: 'settled', partitionEpoch, committed: new Set(committed) };
}

/** Whom a commit waits for. (I1) */
export function maximalInSync(inSync: InSync): ReadonlySet<string> {
  return inSync.kind === 'settled' ? inSync.committed : union(inSync.committed, inSync.proposedEver);
}

export function propose(inSync: InSync, proposal: ReadonlySet<string>, nowMs: number): InSync {
  const before = inSync.kind === 'proposed' ? inSync.proposedEver : new Set<string>();
  return {
    kind: 'proposed',
    partitionEpoch: inSync.partitionEpoch,
    committed: inSync.committed,
    proposal,
    proposedEver: planted('PB49') ? proposal : union(before, proposal),
    sentAtMs: nowMs,
  };
}

/** What the controller has decided, as of `partitionEpoch`. (I2) */
export function adopt(inSync: InSync, partitionEpoch: number, committed: readonly string[]): InSync {
  assert(partitionEpoch > inSync.partitionEpoch, 'I2: only a newer partition epoch settles');
  return settled(partitionEpoch, committed);
}

function union(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  const both = new Set(a);
  for (const one of b) both.add(one);
  return both;
}
