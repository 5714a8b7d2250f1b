// A drill's own mesh: real processes and a real nats-server
// =============================================================================

import { expect } from 'chai';
import { openDrillMesh } from '../../cli/drill/drill-mesh.js';
import { defaultCluster } from '../../cli/mesh/format-mesh.js';
import { NatsProxy } from '../../cli/soak/nats-proxy.js';
import { waitUntilHealthy } from '../../cli/wait-healthy.js';
import { connect } from '../../messaging/client/index.js';

const deadlineMs = 60_000;

describe('system: drill mesh', function () {
  this.timeout(120_000);

  it('is open when every host has registered, however late the last one comes', async () => {
    const { signal } = new AbortController();
    let late: NatsProxy | undefined;
    let two: Promise<void> | undefined;
    const opening = openDrillMesh(3, 1, signal, {
      hostNats: async (host, natsUrl) => {
        if (host !== 'h3') return natsUrl;
        late = await NatsProxy.open(Number(new URL(natsUrl).port));
        late.cut();
        two = withoutTheLast(natsUrl, signal).finally(() => late?.heal());
        return `nats://127.0.0.1:${late.port}`;
      },
    });
    try {
      await using mesh = await opening;
      await two;
      await mesh.createTable('t', 1);
      const table = await mesh.db.admin.describeTable('t');
      expect(mesh.hosts).to.deep.equal(['h1', 'h2', 'h3']);
      expect(table.replicas).to.equal(3);
    } finally {
      await late?.close();
    }
  });
});

/** Until two hosts are a healthy mesh to whoever does not know how many there should be. */
async function withoutTheLast(servers: string, signal: AbortSignal): Promise<void> {
  const db = await connect({ servers, cluster: defaultCluster, connectTimeout: deadlineMs });
  try {
    const { reasons } = await waitUntilHealthy(db, Date.now() + deadlineMs, signal, ['h1', 'h2']);
    expect(reasons).to.deep.equal([]);
  } finally {
    await db.close();
  }
}
