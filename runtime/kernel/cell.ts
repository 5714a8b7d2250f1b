// One actor in a loop: its behaviour, its incarnation, what it has under way
// =============================================================================

import type { Actor, ActorDefinition, ActorStatus } from '../contract/actor.js';
import type { Address } from '../contract/address.js';
import type { RecoveryReport, SnapshotWriter } from '../contract/journal.js';
import type { Random } from '../std/random.js';
import type { FailureHistory } from '../supervision/restart-policy.js';

export interface ActorCell {
  readonly self: Address;
  readonly definition: ActorDefinition;
  readonly args: Uint8Array;
  readonly failures: FailureHistory;
  phase: CellPhase;
  incarnation: number;
}

/** What an incarnation owns lives here and dies with it (A5). */
export type CellPhase =
  | {
      readonly kind: 'running';
      readonly actor: Actor;
      readonly random: Random;
      readonly report: RecoveryReport;
      readonly timers: Map<string, number>;
      snapshot: SnapshotWriter | undefined;
      /** It had its first turn. */
      started: boolean;
    }
  | { readonly kind: 'restarting' }
  | { readonly kind: 'stopped' };

export type RunningPhase = Extract<CellPhase, { readonly kind: 'running' }>;

export function statusOf(cell: ActorCell): ActorStatus | undefined {
  if (cell.phase.kind !== 'running') return undefined;
  return {
    name: cell.self.actor,
    kind: cell.definition.kind,
    args: cell.args,
    incarnation: cell.incarnation,
    report: cell.phase.report,
  };
}
