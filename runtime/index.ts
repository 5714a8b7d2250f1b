// The public door of the runtime: `troupe/runtime`
// =============================================================================
//
// For those who write actors of their own: the contract, the real world's hosts, and the loop for a thread of one's own.

export type {
  Actor,
  ActorDefinition,
  ActorJournal,
  ActorSnapshots,
  ActorSpec,
  ActorStatus,
  Context,
  Message,
  Signal,
  Timers,
} from './contract/actor.js';
export {
  type Address,
  clientHost,
  formatAddress,
  isClient,
  isName,
  mainWorker,
  sameAddress,
  workerCountMax,
} from './contract/address.js';
export type { Cells } from './contract/cells.js';
export type { Clock } from './contract/clock.js';
export type { EmittedEvent, EventLevel, SystemEvent } from './contract/events.js';
export type { Journal, JournalRecord, RecoveredStream, RecoveryReport } from './contract/journal.js';
export type { Envelope, MessageCodec, Transport, TransportReceiver } from './contract/transport.js';
export { ActorLoop } from './kernel/actor-loop.js';
export { defaultLoopLimits, type LoopLimits, type LoopPorts } from './kernel/ports.js';
export { AssertionError } from './std/assert.js';
export { DecodeError } from './std/byte-reader.js';
export { type Random, seededRandom } from './std/random.js';
export { machineClock } from './threads/clock.js';
export type { Compose, Composition, Place } from './threads/composition.js';
export { ControlError, type WorkerStats } from './threads/control.js';
export { endProcess, guardProcess } from './threads/end-process.js';
export { type HostEnd, HostError, type HostExitCode, hostExitCodes } from './threads/exit-codes.js';
export { type EventFormat, formatEvent } from './threads/format-event.js';
export { type Host, type HostOptions, type HostStats, startHost } from './threads/host.js';
export { type InlineHost, type InlineHostOptions, startInlineHost } from './threads/inline-host.js';
export { InlineNetwork } from './threads/inline-network.js';
export { driveLoop, type DrivenLoop, LoopDriver } from './threads/loop-driver.js';
export { processRandom } from './threads/process-random.js';
