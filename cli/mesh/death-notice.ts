// Telling the metadata group that a host's process is gone
// =============================================================================
//
// Sent to every possible member several times over a second: NATS may lose one, the leader may just have died with the host. Repeating is
// harmless, since a notice names the start id of one process and that process stays dead.

import { randomUUID } from 'node:crypto';
import { uuidBytes } from '../../runtime/std/uuid.js';
import { metadataActor } from '../../messaging/protocol/cluster-map.js';
import { protocolCodec } from '../../messaging/protocol/codec.js';
import { splitServers } from '../../messaging/client/mesh-file.js';
import { connectNats, type NatsTransport } from '../../messaging/transport/nats-transport.js';
import { clientHost } from '../../runtime/contract/address.js';
import type { Message } from '../../runtime/contract/actor.js';
import type { ClusterFile } from './mesh-file.js';

const repeatMs = 100;
const repeatCount = 20;

export class DeathNotice {
  readonly #transport: NatsTransport;
  readonly #self: string;
  readonly #hosts: readonly string[];
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(transport: NatsTransport, self: string, hosts: readonly string[]) {
    this.#transport = transport;
    this.#self = self;
    this.#hosts = hosts;
  }

  static async open(nats: string, cluster: ClusterFile, say: (line: string) => void): Promise<DeathNotice> {
    const self = clientHost(`mesh-${randomUUID().slice(0, 8)}`);
    const transport = await connectNats({
      servers: splitServers(nats),
      clusterName: cluster.cluster,
      clusterId: uuidBytes(cluster.clusterId),
      place: { host: self, worker: 0 },
      codec: protocolCodec,
      receiver: { deliver: () => undefined, gap: () => undefined },
      onStatus: (status) => {
        if (status.kind !== 'connected') say(`NATS: ${status.kind}`);
      },
      waitForFirstConnection: 20_000,
    });
    return new DeathNotice(
      transport,
      self,
      cluster.hosts.map((host) => host.name),
    );
  }

  /** The process that was started as `startId` has been reaped. */
  tell(host: string, startId: string): void {
    const message = { kind: 'host-died', host, startId } as Message;
    let left = repeatCount;
    const send = (): void => {
      for (const member of this.#hosts) {
        this.#transport.post({
          to: { host: member, worker: 0, actor: metadataActor },
          from: { host: this.#self, worker: 0, actor: 'mesh' },
          message,
        });
      }
      this.#transport.flush();
      if (--left === 0) {
        clearInterval(timer);
        this.#timers.delete(timer);
      }
    };
    const timer = setInterval(send, repeatMs);
    this.#timers.add(timer);
    send();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers.clear();
    await this.#transport.close();
  }
}
