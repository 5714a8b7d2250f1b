// A real client before a model mesh, joined by the local transport
// =============================================================================

import type { TransportReceiver } from '../../../runtime/contract/transport.js';
import type { Database } from '../../../messaging/client/database.js';
import { openClient, type OpenClientOptions } from '../../../messaging/client/open-client.js';
import type { LocalTransport } from '../../../messaging/transport/local-transport.js';
import { localNetwork } from '../../../messaging/transport/local-transport.js';
import { ModelMesh } from './model-mesh.js';

export interface LocalMesh {
  readonly db: Database;
  readonly mesh: ModelMesh;
  /** Opens another client before the same mesh. */
  open(options?: Partial<OpenClientOptions>): Promise<Database>;
  close(): Promise<void>;
}

export async function localMesh(options: Partial<OpenClientOptions> = {}): Promise<LocalMesh> {
  const network = localNetwork(setImmediate);
  const joined = new Map<string, LocalTransport>();
  const timers = new Set<NodeJS.Timeout>();
  const mesh = new ModelMesh({
    send: (from, to, message) => {
      const transport = joined.get(`${from.host}/${from.worker}`);
      transport?.post({ from, to, message });
      transport?.flush();
    },
    after: (delayMs, run) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        run();
      }, delayMs);
      timers.add(timer);
    },
  });
  for (const host of mesh.hosts.keys()) {
    for (const worker of [0, 1]) {
      const receiver: TransportReceiver = {
        deliver: ({ to, from, message }) => mesh.handle(to, from, message),
        gap: () => undefined,
      };
      joined.set(`${host}/${worker}`, network.join({ host, worker }, receiver));
    }
  }
  const open = (more: Partial<OpenClientOptions> = {}): Promise<Database> =>
    openClient({
      cluster: 'test',
      transport: (place, receiver) => network.join(place, receiver),
      ...options,
      ...more,
    });
  const opened: Database[] = [];
  const track = async (more?: Partial<OpenClientOptions>): Promise<Database> => {
    const db = await open(more);
    opened.push(db);
    return db;
  };
  const db = await track();
  return {
    db,
    mesh,
    open: track,
    async close() {
      for (const one of opened) await one.close();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
