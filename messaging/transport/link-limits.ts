// The bounds of links, each with what happens beyond it
// =============================================================================

import { limits } from '../protocol/limits.js';

export interface LinkLimits {
  /** Frames of one flush are closed at this length; one message may be longer. Above it a frame is cut in chunks. */
  readonly frameBytesTarget: number;
  /** Frame with its one long message; beyond it the message is dropped and counted. */
  readonly frameBytesMax: number;
  /** Bytes that a sender may have outstanding before it was ever granted more. */
  readonly hostWindowInitialBytes: number;
  readonly clientWindowInitialBytes: number;
  /** A receiver shares out its window among its links, within these bounds. Together they stay below nats-server's `max_pending`. */
  readonly hostWindowTotalBytes: number;
  readonly clientWindowTotalBytes: number;
  readonly windowMaxBytes: number;
  readonly windowMinBytes: number;
  /** Frames waiting for their window, per link and over all links; beyond it the newest frame is dropped, and the receiver told by a gap. */
  readonly outboxBytesMax: number;
  readonly outboxTotalBytesMax: number;
  /** Links with hosts and with clients; beyond it the one idle longest is forgotten, and starts anew when it is needed. */
  readonly hostLinkCountMax: number;
  readonly clientLinkCountMax: number;
  /** Chunks of unfinished frames, over all senders; beyond it the oldest unfinished frame is dropped. */
  readonly assemblyBytesMax: number;
  readonly assemblyCountMax: number;
  /** A sender with unanswered bytes asks after this long without news, and again after twice as long each time. */
  readonly probeMs: number;
  readonly probeMaxMs: number;
  /** Unanswered probes after which an idle link rests; one that is blocked drops what waits and goes on asking. */
  readonly probeCountMax: number;
}

export const defaultLinkLimits: LinkLimits = {
  frameBytesTarget: limits.chunkBytesMax - 1024,
  frameBytesMax: limits.frameBytesMax,
  hostWindowInitialBytes: 1024 * 1024,
  clientWindowInitialBytes: 512 * 1024,
  hostWindowTotalBytes: 32 * 1024 * 1024,
  clientWindowTotalBytes: 16 * 1024 * 1024,
  windowMaxBytes: 8 * 1024 * 1024,
  windowMinBytes: 256 * 1024,
  outboxBytesMax: 32 * 1024 * 1024,
  outboxTotalBytesMax: 128 * 1024 * 1024,
  hostLinkCountMax: 16_384,
  clientLinkCountMax: 50_000,
  assemblyBytesMax: 64 * 1024 * 1024,
  assemblyCountMax: 256,
  probeMs: 200,
  probeMaxMs: 2_000,
  probeCountMax: 6,
};
