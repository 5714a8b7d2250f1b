// A local mesh whose founder is gone: real processes, a real nats-server, real files
// =============================================================================

import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKnownMembers } from '../../actors/known-members.js';
import { formatMesh, prepareMesh } from '../../cli/mesh/format-mesh.js';
import { meshPaths } from '../../cli/mesh/mesh-file.js';
import { MeshSupervisor } from '../../cli/mesh/supervisor.js';
import { connect, type Database, type StatusReport } from '../../messaging/client/index.js';
import { nodeDisk } from '../../runtime/storage/node-disk.js';
import { until } from '../support/until.js';
import { TestNatsServer } from './nats-server.js';

describe('system: known members', function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), 'troupe-known-'));
  const paths = meshPaths(join(folder, '.troupe'));
  const lines: string[] = [];
  let nats: TestNatsServer | undefined;
  let mesh: MeshSupervisor | undefined;
  let db: Database | undefined;

  after(async () => {
    await db?.close();
    await mesh?.stop();
    await nats?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a host that is no member, and is killed while the only founder is gone, is up again', async () => {
    nats = await TestNatsServer.start();
    const { cluster } = formatMesh(paths, 1, 1);
    mesh = new MeshSupervisor({
      paths,
      cluster: prepareMesh(paths, { hosts: 4 }),
      nats: nats.url,
      onLine: (line) => lines.push(line),
    });
    await mesh.start();
    db = await connect({ servers: [nats.url], cluster, connectTimeout: 60_000 });
    const { admin } = db;
    const look = async (isSo: (status: StatusReport) => boolean): Promise<boolean> => {
      try {
        return isSo(await admin.status({ timeout: 2000 }));
      } catch {
        return false; // nobody answers just now: asked again until the deadline
      }
    };
    let members: readonly string[] = [];
    const isGrown = ({ hosts, metadata }: StatusReport): boolean => {
      members = metadata.members.filter(({ voter }) => voter).map(({ host }) => host);
      return members.length === 3 && hosts.length === 4 && hosts.every(({ state }) => state === 'up');
    };
    await until('all are up, and three vote', () => look(isGrown), 60_000);
    const bystander = ['h2', 'h3', 'h4'].find((host) => !members.includes(host)) as string;
    const remembered = (): readonly string[] => readKnownMembers(nodeDisk(paths.host(bystander))).members;
    // Until the change is over, the founder alone can decide with one of the others that there are three.
    const hasSettled = (host: string): boolean =>
      lines.some((line) => line.startsWith(`${host}: `) && /voters=\[("[^"]+",){2}"[^"]+"\] outgoing=\[\]/.test(line));
    await until('all three know it', () => members.every(hasSettled), 60_000);
    await until('it is written down', () => members.every((host) => remembered().includes(host)), 60_000);

    const ended = new Map<string, number>();
    for (const host of ['h1', bystander]) {
      mesh.hold(host);
      const pid = mesh.pidOf(host) as number;
      ended.set(host, pid);
      process.kill(pid, 'SIGKILL');
    }
    const isDown = ({ hosts }: StatusReport): boolean =>
      hosts.every(({ name, state }) => (state === 'up') === (name !== 'h1' && name !== bystander));
    await until('both are known to be gone', () => look(isDown), 60_000);
    const at = lines.length;
    mesh.release(bystander);
    const isBack = ({ hosts }: StatusReport): boolean =>
      hosts.some(({ name, state, pid }) => name === bystander && state === 'up' && pid !== ended.get(bystander));
    try {
      await until('it is up', () => look(isBack), 60_000);
    } catch (error) {
      throw new Error(lines.slice(at).join('\n'), { cause: error });
    }
    expect(mesh.pidOf('h1'), 'the only host that it was told of').to.equal(undefined);
  });
});
