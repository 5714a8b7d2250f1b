// The composition root of a host over NATS
// =============================================================================
//
// Imported by the main thread and by every worker of a host (runtime/threads/composition.ts): it says which actors there are, which of them run
// where from the start, and how messages leave the host.

import { protocolCodec } from '../messaging/protocol/codec.js';
import { connectNats, type TransportStatus } from '../messaging/transport/nats-transport.js';
import { uuidBytes } from '../runtime/std/uuid.js';
import type { Compose, Composition, Place } from '../runtime/threads/composition.js';
import { registry } from './registry.js';
import { type HostProfile, rootActors } from './root-actors.js';

export interface ComposeConfig extends HostProfile {
  readonly clusterName: string;
  readonly servers: readonly string[];
  /** How long to wait for NATS at start. */
  readonly natsDeadlineMs: number;
}

export const compose: Compose = (config: unknown, place: Place): Composition => {
  const settings = config as ComposeConfig;
  return {
    definitions: registry,
    codec: protocolCodec,
    alone: settings.members.length > 0 && settings.members.every((member) => member.host === place.host),
    rootActors: (each) => rootActors(settings, each),
    connect: ({ host, worker }, receiver) =>
      connectNats({
        servers: settings.servers,
        clusterName: settings.clusterName,
        clusterId: uuidBytes(settings.clusterId),
        place: { host, worker },
        receiver,
        codec: protocolCodec,
        waitForFirstConnection: settings.natsDeadlineMs,
        onStatus: (status) => say(status, place),
      }),
  };
};

/** Losing NATS is the host's most important news, and no actor hears of it. */
function say(status: TransportStatus, place: Place): void {
  if (status.kind === 'connected' || place.worker !== 0) return;
  const detail =
    status.kind === 'problem' ? status.code : status.kind === 'closed' ? String(status.error) : status.server;
  process.stderr.write(`${place.host} NATS ${status.kind}: ${detail}\n`);
}
