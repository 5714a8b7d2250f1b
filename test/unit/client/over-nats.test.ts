// The client over a real nats-server, before a model mesh: what changes when the network is real
// =============================================================================

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { connect, type Database } from '../../../messaging/client/index.js';
import { protocolCodec } from '../../../messaging/protocol/codec.js';
import { connectNats, type NatsTransport } from '../../../messaging/transport/nats-transport.js';
import { TestNatsServer } from '../../system/nats-server.js';
import { ModelMesh } from './model-mesh.js';

describe('client: over NATS', function () {
  this.timeout(30_000);
  let server: TestNatsServer;
  let mesh: ModelMesh;
  const transports = new Map<string, NatsTransport>();
  const timers = new Set<NodeJS.Timeout>();
  let db: Database;

  before(async () => {
    server = await TestNatsServer.start();
    mesh = new ModelMesh({
      send: (from, to, message) => {
        const transport = transports.get(`${from.host}/${from.worker}`);
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
    const clusterId = randomBytes(16);
    for (const host of mesh.hosts.keys())
      for (const worker of [0, 1])
        transports.set(
          `${host}/${worker}`,
          await connectNats({
            servers: [server.url],
            clusterName: 'local',
            clusterId,
            place: { host, worker },
            receiver: { deliver: ({ to, from, message }) => mesh.handle(to, from, message), gap: () => undefined },
            codec: protocolCodec,
          }),
        );
    db = await connect({ servers: server.url, cluster: 'local' });
  });
  after(async () => {
    await db?.close();
    for (const timer of timers) clearTimeout(timer);
    for (const transport of transports.values()) await transport.close();
    await server?.kill();
  });

  it('finds the hosts, makes the default table of a local mesh, reads what it wrote', async () => {
    const kv = db.table();
    const value = { name: 'Ada', big: 12345678901234567890n, bytes: new Uint8Array([1, 2, 3]), at: new Date(5) };
    await kv.put(['user', 1], value);
    expect(await kv.get(['user', 1])).to.deep.equal(value);
    const text = 'x'.repeat(1_000_000);
    await kv.put('large', text);
    expect(await kv.get('large')).to.equal(text);
    await Promise.all(Array.from({ length: 2000 }, (_, i) => kv.put(`k${i}`, i)));
    let count = 0;
    for await (const entry of kv.range({ prefix: 'k' })) {
      expect(entry.key).to.equal(`k${String(entry.value)}`);
      count++;
    }
    expect(count).to.equal(2000);
  });

  it('goes on by itself after NATS went away, and nothing was done twice', async () => {
    const kv = db.table();
    await kv.put('n', 0);
    const before = mesh.applied.length;
    const writes = Array.from({ length: 50 }, () => kv.increment('n', 1, { timeout: '20s' }));
    await server.kill();
    writes.push(...Array.from({ length: 50 }, () => kv.increment('n', 1, { timeout: '20s' })));
    await server.restart();
    await Promise.all(writes);
    expect(await kv.get('n')).to.equal(100);
    expect(mesh.applied.length - before).to.equal(100);
  });
});
