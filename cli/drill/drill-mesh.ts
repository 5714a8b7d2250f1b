// A mesh of its own for a drill: real processes and a real nats-server in a temporary folder
// =============================================================================

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Database, TroupeError } from '../../messaging/client/index.js';
import { CliError } from '../cli-error.js';
import { formatMesh } from '../mesh/format-mesh.js';
import { meshPaths } from '../mesh/mesh-file.js';
import { MeshSupervisor, type SupervisorOptions } from '../mesh/supervisor.js';
import { waitUntilHealthy } from '../wait-healthy.js';

export interface DrillMesh extends AsyncDisposable {
  readonly supervisor: MeshSupervisor;
  readonly db: Database;
  /** All of them were up when it was opened. */
  readonly hosts: readonly string[];
  /** Where its log is; kept when the drill fails. */
  readonly folder: string;
  keep: boolean;
  /** With as many replicas as there are hosts, at most three: one that is fenced for a moment is waited for. */
  createTable(name: string, partitions: number): Promise<void>;
}

const healthyDeadlineMs = 60_000;
const replicasMax = 3;
const lookMs = 100;

export async function openDrillMesh(
  hosts: number,
  workers: number,
  signal: AbortSignal,
  options: Pick<SupervisorOptions, 'hostNats' | 'hostEnv'> & Partial<Pick<SupervisorOptions, 'onLine'>> = {},
): Promise<DrillMesh> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-drill-'));
  const paths = meshPaths(folder);
  const cluster = formatMesh(paths, hosts, workers);
  const supervisor = new MeshSupervisor({ paths, cluster, nats: undefined, onLine: () => undefined, ...options });
  try {
    await supervisor.start();
    const db = await connect({
      servers: supervisor.natsUrl,
      cluster: cluster.cluster,
      signal,
      connectTimeout: healthyDeadlineMs,
      timeout: 20_000,
    });
    const names = cluster.hosts.map((host) => host.name);
    // All hosts: a table made beside a late one would begin with fewer copies than the drill is about.
    const result = await waitUntilHealthy(db, Date.now() + healthyDeadlineMs, signal, names);
    if (!result.healthy)
      throw new CliError(
        'TIMEOUT',
        `the drill's mesh is not healthy: ${result.reasons.join(', ')}`,
        `see ${paths.log}`,
      );
    const mesh: DrillMesh = {
      supervisor,
      db,
      hosts: names,
      folder,
      keep: false,
      createTable: (name, partitions) => createTable(db, name, partitions, Math.min(replicasMax, hosts), signal),
      [Symbol.asyncDispose]: async (): Promise<void> => {
        await db.close();
        await supervisor.stop();
        if (!mesh.keep) rmSync(folder, { recursive: true, force: true });
      },
    };
    return mesh;
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

/** Left to the cluster, the number of replicas would be that of the hosts that are up at this very moment. */
async function createTable(
  db: Database,
  name: string,
  partitions: number,
  replicas: number,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = Date.now() + healthyDeadlineMs;
  for (;;) {
    try {
      await db.admin.createTable(name, { partitions, replicas, ifMissing: true, signal });
      return;
    } catch (error) {
      const isFew = error instanceof TroupeError && error.code === 'UNAVAILABLE';
      if (!isFew || Date.now() > deadlineMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
