// The contract between an actor and its world
// =============================================================================
//
// An actor is a named state machine with a mailbox. It sees the world only through its context, so the same actor runs
// in worker threads and in the simulator.
//
// Invariants
//   A1. One turn at a time: `receive` is synchronous, and no other code of the actor runs during it.
//   A2. Effects are staged during a turn and carried out after it returned. If it throws, none of them happens.
//   A3. Messages from one actor of a worker to another of the same worker arrive in the order sent.
//   A4. A timer that was cancelled or replaced is never received, even if it had already fired.
//   A5. Timers and disk completions die with the incarnation that asked for them.
//   A6. A disk completion means durable. A failed write is no message: the world stops the host (D11).
//
// Sources: etcd-io/raft `Ready`; Pekko typed timers and supervision; DESIGN "Actors and the world".

import type { Random } from '../std/random.js';
import type { Address } from './address.js';
import type { Cells } from './cells.js';
import type { SystemEvent } from './events.js';
import type { JournalRecord, RecoveryReport } from './journal.js';

/** Every message has a kind; the rest is the owner's union. Messages are never changed after they were sent. */
export interface Message {
  readonly kind: string;
}

/** What the world tells actors, ahead of messages. */
export type Signal =
  /** The journal is long and this actor's records are its oldest: write a snapshot soon. */
  | { readonly kind: 'journal-pressure' }
  /** Something that worker of that host sent to this worker was lost: resynchronize with it now (T3). */
  | { readonly kind: 'link-gap'; readonly host: string; readonly worker: number }
  /** An actor of this worker crashed and is back, as this incarnation. Told to every actor of the worker. */
  | {
      readonly kind: 'actor-restarted';
      readonly actor: string;
      readonly incarnation: number;
      readonly report: RecoveryReport;
    }
  /** The host is about to stop: hand over what can be handed over. */
  | { readonly kind: 'draining' };

export interface Actor<Own extends Message = Message> {
  /** Recovery, before `start`: the snapshot's meta bytes, when there is one. */
  recoverSnapshot?(meta: Uint8Array): void;
  recoverSnapshotChunk?(chunk: Uint8Array): void;
  recoverRecord?(record: JournalRecord): void;
  /** The first turn. `report` says how much of its stream a durable actor got back. */
  start(context: Context<Own>, report: RecoveryReport): void;
  /** One turn. `from` was checked by the transport. */
  receive(message: Own, from: Address, context: Context<Own>): void;
  signal?(signal: Signal, context: Context<Own>): void;
  /** A few numbers and words about its state, for `troupe status` and the inspector. Must not change anything. */
  inspect?(): Record<string, unknown>;
}

export interface ActorDefinition {
  readonly kind: string;
  /** Has a journal stream, and is brought back from it at start. */
  readonly durable: boolean;
  /**
   * Its stream holds promises made in the disk's name, which must not be made twice (M8). If it is lost, its world takes the whole journal for
   * lost, and the host for one with another disk.
   */
  readonly vital?: boolean;
  /**
   * @param args what the spawner gave, as bytes, since a durable actor's arguments are journaled with it
   * @param random this incarnation's own, the same as `context.random`
   */
  create(args: Uint8Array, self: Address, random: Random): Actor<never>;
}

export interface ActorSpec {
  readonly name: string;
  readonly kind: string;
  readonly args: Uint8Array;
}

/** `Own` is the union of messages that the actor may put into its own mailbox: its commands and its private completions. */
export interface Context<Own extends Message = Message> {
  readonly self: Address;
  /** 0 on first start in this process, one more at each restart. */
  readonly incarnation: number;
  /** Monotonic milliseconds, frozen for the turn. */
  readonly nowMs: number;
  /** Wall-clock milliseconds since 1970, frozen for the turn. For people; never decides anything that must be right. */
  readonly wallMs: number;
  /** Machine uptime in milliseconds, suspend included, frozen for the turn (L3). */
  readonly bootMs: number;
  /** The monotonic clock *now*, for what must be checked after it was evaluated (L2). */
  readClockMs(): number;
  readonly random: Random;
  readonly cells: Cells;
  readonly journal: ActorJournal<Own>;
  readonly snapshots: ActorSnapshots<Own>;
  readonly timers: Timers<Own>;
  send(to: Address, message: Message): void;
  /** Starts an actor in this worker, after the turn. REQUIRES that none of that name runs, or was stopped here without being forgotten. */
  spawn(spec: ActorSpec): void;
  /** Stops an actor of this worker, after the turn. `forget` also drops its stream and snapshots. Unknown names are ignored. */
  stop(actor: string, options?: { readonly forget?: boolean }): void;
  /** Names of the actors running in this worker. */
  actors(): readonly ActorStatus[];
  emit(event: SystemEvent): void;
}

export interface ActorStatus {
  readonly name: string;
  readonly kind: string;
  readonly args: Uint8Array;
  readonly incarnation: number;
  readonly report: RecoveryReport;
}

export interface ActorJournal<Own> {
  /** The lsn that this turn's next append gets. */
  readonly nextLsn: number;
  /** Stages a record and gives its lsn. `whenDurable` arrives once it, and everything before it in this worker, is on disk. */
  append(type: number, payload: Uint8Array, whenDurable?: Own): number;
}

/** At most one snapshot of an actor is under way at a time. */
export interface ActorSnapshots<Own> {
  /**
   * Begins one; records below `replayFromLsn` will not be replayed any more once it is committed.
   * @param replaces it was received from elsewhere: the records before it do not lead to it, so no older one is kept beside it
   */
  begin(replayFromLsn: number, meta: Uint8Array, replaces?: boolean): void;
  /** Gives up `chunk`; send the next when `whenAccepted` arrives. */
  append(chunk: Uint8Array, whenAccepted: Own): void;
  /** Makes it the snapshot that recovery starts from. */
  commit(whenDurable: Own): void;
  abort(): void;
}

export interface Timers<Own> {
  /** Replaces any timer of that key. A4. */
  start(key: string, delayMs: number, message: Own): void;
  cancel(key: string): void;
}
