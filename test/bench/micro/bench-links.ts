// Two ends of links in one thread, with nothing between them
// =============================================================================

import type { Envelope } from '../../../runtime/contract/transport.js';
import { protocolCodec } from '../../../messaging/protocol/codec.js';
import type { Place } from '../../../messaging/protocol/subject.js';
import { LinkLayer } from '../../../messaging/transport/link-layer.js';
import { defaultLinkLimits, type LinkLimits } from '../../../messaging/transport/link-limits.js';
import { nativeCrc32 } from '../../../runtime/storage/native-crc.js';

/** A link layer whose frames are kept until somebody takes them, and whose messages are counted and let go. */
export class BenchEnd {
  readonly place: Place;
  readonly links: LinkLayer;
  /** Frames that left. */
  out: Uint8Array[] = [];
  received = 0;
  /** Delivered last. */
  last: Envelope | undefined;

  constructor(place: Place, limits: Partial<LinkLimits> = {}) {
    this.place = place;
    this.links = new LinkLayer(
      {
        place,
        clusterId: new Uint8Array(16).fill(1),
        instance: 81_985_529_216 + place.worker,
        chunkBytesMax: () => 512 * 1024,
        limits: { ...defaultLinkLimits, ...limits },
      },
      {
        receiver: {
          deliver: (envelope) => {
            this.received++;
            this.last = envelope;
          },
          gap: () => undefined,
        },
        codec: protocolCodec,
        crc32: nativeCrc32,
        publish: (_to, bytes) => {
          this.out.push(bytes);
          return true;
        },
        mayPublish: () => true,
        nowMs: () => 0,
        hostEpoch: () => 1,
        backlog: () => 0,
      },
    );
    this.links.connected();
  }

  take(): Uint8Array[] {
    const { out } = this;
    this.out = [];
    return out;
  }

  /** As a run of a worker does: what came in, then what goes out. */
  receive(from: Place, frames: readonly Uint8Array[]): void {
    for (const bytes of frames) this.links.receive(from, bytes);
    this.links.flush();
  }
}
