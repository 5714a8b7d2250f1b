// What a batch and its jobs say to each other
// =============================================================================
//
// A job is a process of its own that runs one seed after the other: it may use up its memory or hang without taking the batch with it.

import type { RunOrder, RunReport } from './run-seed.js';

/** From the batch. One at a time. */
export type JobOrder = { readonly kind: 'run'; readonly order: RunOrder };

/** From the job. */
export type JobAnswer =
  | { readonly kind: 'ran'; readonly index: number; readonly report: RunReport }
  /** The simulator itself threw: no run of the cluster failed, but nothing was learned either. */
  | { readonly kind: 'threw'; readonly index: number; readonly message: string };
