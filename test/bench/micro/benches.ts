// All micro-benchmarks, from the client inwards
// =============================================================================

import type { MicroBench } from './micro-bench.js';
import { applyBenches } from './rooms/applying.js';
import { checksumBenches } from './rooms/checksum.js';
import { clientBenches } from './rooms/client.js';
import { engineBenches } from './rooms/engine.js';
import { frameBenches } from './rooms/frame.js';
import { indexBenches } from './rooms/indexes.js';
import { journalBenches } from './rooms/journal.js';
import { keyBenches } from './rooms/key.js';
import { linkBenches } from './rooms/link.js';
import { logBatchBenches } from './rooms/log-batch.js';
import { mailboxBenches } from './rooms/mailbox.js';
import { messageBenches } from './rooms/messages.js';
import { replicaBenches } from './rooms/replica.js';
import { ringBenches } from './rooms/ring.js';
import { valueBenches } from './rooms/value.js';

export const microBenches: readonly MicroBench[] = [
  ...clientBenches,
  ...keyBenches,
  ...valueBenches,
  ...ringBenches,
  ...messageBenches,
  ...frameBenches,
  ...linkBenches,
  ...checksumBenches,
  ...mailboxBenches,
  ...replicaBenches,
  ...logBatchBenches,
  ...journalBenches,
  ...applyBenches,
  ...engineBenches,
  ...indexBenches,
];

/** Those whose names contain the words, in any case. */
export function chosenBenches(filter: string): readonly MicroBench[] {
  const wanted = filter.toLowerCase();
  return microBenches.filter(({ name }) => name.toLowerCase().includes(wanted));
}
