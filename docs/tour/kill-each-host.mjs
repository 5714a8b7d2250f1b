// Kills every host of the local mesh with SIGKILL, one after the other, and waits each time until it is back and the mesh is healthy.
//
//   node docs/tour/kill-each-host.mjs

import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'troupe';

const db = await connect({ timeout: '60s' });
try {
  for (const { name, pid, epoch } of await db.admin.listHosts()) {
    process.kill(pid, 'SIGKILL');
    const killedAt = performance.now();
    await db.table('default').put('killed', name); // the mesh goes on
    console.log(`killed ${name} (process ${pid}); a write was accepted after ${Math.round(performance.now() - killedAt)} ms`);
    for (;;) {
      const host = (await db.admin.listHosts()).find((one) => one.name === name);
      if (host?.epoch > epoch && host.state === 'up' && (await db.admin.status()).healthy) break;
      if (performance.now() - killedAt > 60_000) throw new Error(`${name} is not back`);
      await sleep(50);
    }
    console.log(`${name} is back and has caught up after ${Math.round(performance.now() - killedAt)} ms`);
  }
} finally {
  await db.close();
}
