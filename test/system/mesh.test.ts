// A local mesh, as its first user meets it: real processes, a real nats-server, the `troupe` command
// =============================================================================
//
// One mesh lives through everything here, in order: booted, used, its hosts killed, NATS killed, stopped, its supervisor killed, a disk lost. What
// was acknowledged at the beginning is read at the end.

import { expect } from 'chai';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect, type Database, type StatusReport } from '../../messaging/client/index.js';
import { describeDatabase } from '../contract/database.js';
import { CliMesh, runNode } from '../support/cli-mesh.js';
import { until } from '../support/until.js';
import { TestNatsServer } from './nats-server.js';

const hour = 3_600_000;

describe('system: mesh', function () {
  this.timeout(120_000);
  const mesh = new CliMesh();
  let db: Database | undefined;

  after(async () => {
    await db?.close();
    await mesh.close();
  });

  async function healthy(): Promise<void> {
    const { code, stderr } = await mesh.run('wait', '--for=healthy', '--timeout', '60s');
    expect(code, `${stderr}${mesh.log()}`).to.equal(0);
  }

  /** The first that is healthy: on a busy machine a replica may be behind for a moment at any time. */
  async function healthyStatus(): Promise<StatusReport> {
    let status = await mesh.status();
    const isWell = async (): Promise<boolean> => {
      status = await mesh.status();
      return status.healthy;
    };
    if (!status.healthy) await until('the mesh is healthy', isWell, 60_000);
    return status;
  }

  async function kept(): Promise<void> {
    expect((await mesh.run('get', 'name')).stdout).to.equal('Ada\n');
    expect(await mesh.json('get', '["c1",42]')).to.deep.include({
      key: ['c1', 42],
      value: { total: 12.5, items: [null] },
    });
  }

  describe('a new user', () => {
    it('boots it with one command, and is told where it is', async () => {
      const { stdout, stderr } = await mesh.up();
      expect(stdout).to.match(
        /^The mesh "local" is up: 3 hosts \(h1, h2, h3\)\.\n {2}NATS {6}nats:\/\/127\.0\.0\.1:\d+/,
      );
      expect(stderr).to.include('npx troupe put name Ada');
      expect(mesh.mesh?.hosts).to.deep.equal(['h1', 'h2', 'h3']);
    });

    it('may say it again', async () => {
      const before = await mesh.pids();
      const { code, stderr } = await mesh.run('up');
      expect(code).to.equal(0);
      expect(stderr).to.include('running already');
      expect(await mesh.pids()).to.deep.equal(before);
    });

    it('puts and gets at once, without making a table', async () => {
      expect((await mesh.run('put', 'name', 'Ada')).stdout).to.match(/^OK {2}version 1, sync on h\d(, h\d){1,2}\n$/);
      expect((await mesh.run('get', 'name')).stdout).to.equal('Ada\n');
      // A host that was slow for a second is out of the in-sync set, and in it again a moment later.
      await until('what is put is on three hosts', async () => {
        const put = await mesh.json<{ receipt: { replicas: string[] } }>(
          'put',
          '["c1",42]',
          '{"total":12.5,"items":[null]}',
        );
        expect(put).to.have.all.keys('key', 'version', 'receipt');
        expect(put.receipt).to.have.all.keys('partition', 'epoch', 'offset', 'durability', 'replicas');
        return put.receipt.replicas.toSorted((a, b) => (a < b ? -1 : 1)).join() === 'h1,h2,h3';
      });
      expect(await mesh.json('get', '["c1",42]')).to.have.all.keys('key', 'value', 'version', 'createdAt', 'updatedAt');
    });

    it('reads values from standard input, and lists them page by page', async () => {
      expect((await mesh.runWith('{"from":"stdin"}\n', 'put', 'piped', '-')).code).to.equal(0);
      expect(await mesh.json('get', 'piped')).to.deep.include({ value: { from: 'stdin' } });
      const first = (await mesh.run('range', '--limit', '2', '-o', 'jsonl')).stdout.trim().split('\n');
      expect(first).to.have.length(3);
      const { cursor } = JSON.parse(first[2] as string) as { cursor: string };
      const { entries } = await mesh.json<{ entries: { key: unknown }[] }>('range', '--cursor', cursor);
      const keys = [
        ...first.slice(0, 2).map((line) => (JSON.parse(line) as { key: unknown }).key),
        ...entries.map(keyOf),
      ];
      expect(keys).to.deep.equal([['c1', 42], 'name', 'piped']);
      await mesh.run('del', 'piped');
    });

    it('talks to the shell as source 004 shows it', async () => {
      const asked = 'PUT pet Dylan\nGET pet\nDELETE pet\nGET pet\nQUIT\nGET name\n';
      const { code, stdout } = await mesh.runWith(asked, 'shell');
      expect(code).to.equal(0);
      expect(stdout.split('\n')).to.deep.equal([
        '> PUT pet Dylan',
        'Response: OK',
        '> GET pet',
        'Value: Dylan',
        '> DELETE pet',
        'Response: OK',
        '> GET pet',
        'Error: no value for pet',
        '> QUIT',
        '',
      ]);
      const { port } = new URL(mesh.mesh?.nats ?? '');
      expect((await mesh.runWith('GET name\n', 'shell', '127.0.0.1', port)).stdout).to.include('Value: Ada');
    });

    it('sees the state of everything, as a table and as JSON', async () => {
      const status = await healthyStatus();
      expect(status).to.include({ cluster: 'local' });
      expect(status.metadata.members).to.have.length(3);
      expect(status.hosts.map((host) => [host.name, host.state])).to.deep.equal([
        ['h1', 'up'],
        ['h2', 'up'],
        ['h3', 'up'],
      ]);
      for (const { workers } of status.hosts) expect(workers).to.have.length(2);
      for (const partition of status.tables[0]?.partitions ?? []) {
        expect(partition.replicas).to.have.length(3);
        expect(partition.inSync).to.have.length(3);
        expect(partition.highWatermark).to.be.a('number');
      }
      await until('it says so', async () => {
        const { stdout } = await mesh.run('status');
        expect(stdout).to.include('cluster local: ').and.include('h2');
        return stdout.includes('cluster local: healthy');
      });
      expect(await mesh.json('where', 'name')).to.include.keys('partition', 'leader', 'replicas');
      expect(await mesh.json('host', 'list')).to.have.length(3);
      expect((await mesh.run('metadata', 'status')).stdout).to.include('leader');
    });

    it('gets one clear line and the right code for whatever is wrong', async () => {
      const cases: [string[], number, string][] = [
        [['get', 'nobody'], 4, 'NOT_FOUND'],
        [['put', 'name', 'x', '--if-version', '9'], 5, 'CONDITION_FAILED'],
        [['put', 'k'.repeat(5000), 'x'], 1, 'TOO_LARGE'],
        [['put', 'a', '1', '--ttl', '3s'], 64, 'INVALID_ARGUMENT'],
        [['range', '--cursor', 'nonsense'], 64, 'CURSOR_INVALID'],
        [['table', 'create', 'default'], 5, 'CONDITION_FAILED'],
        [['host', 'restart', 'h9'], 4, 'NOT_FOUND'],
        [['status', '--cluster', 'elsewhere', '--timeout', '1s'], 2, 'CANNOT_CONNECT'],
        [['get', 'name', '--nats', 'nats://127.0.0.1:1', '--timeout', '1s'], 2, 'CANNOT_CONNECT'],
      ];
      await Promise.all(
        cases.map(async ([words, code, named]) => {
          const ran = await mesh.run(...words);
          expect(ran.stderr, words.join(' ').slice(0, 60)).to.match(
            new RegExp(`^troupe: ${named}: [^\\n]+; [^\\n]+\\n$`),
          );
          expect(ran.code, ran.stderr).to.equal(code);
          expect(ran.stdout).to.equal('');
        }),
      );
      const tooLarge = await mesh.runWith('x'.repeat(1_100_000), 'put', 'name', '-');
      expect(tooLarge.stderr).to.match(/^troupe: TOO_LARGE: /);
      await kept();
    });
  });

  describe('the SDK', () => {
    describeDatabase('a mesh of three hosts', async () => {
      db = await connect({ directory: mesh.folder });
      return db;
    });

    it('runs the tour: every entry of package-lock.json goes in and comes back equal', async () => {
      const nats = { TROUPE_NATS: mesh.mesh?.nats ?? '' };
      const load = await runNode([resolve('docs/tour/load-packages.mjs'), 'load'], process.cwd(), '', nats);
      expect(load.code, load.stderr).to.equal(0);
      expect(load.stdout).to.match(/\d{2,} packages/);
    });
  });

  describe('when something dies', () => {
    it('a killed host is started again and catches up, and nothing is lost (J2, J3)', async () => {
      for (const victim of ['h1', 'h2', 'h3']) {
        const pid = (await mesh.pids()).get(victim) as number;
        process.kill(pid, 'SIGKILL');
        expect((await mesh.run('put', 'last-victim', victim)).code).to.equal(0);
        await until(`${victim} has another process`, async () => (await pidOf(victim)) !== pid, 60_000);
        await healthy();
        await kept();
        expect(mesh.log(10_000)).to.include(`supervisor ${victim} ended (SIGKILL)`);
      }
      const nats = { TROUPE_NATS: mesh.mesh?.nats ?? '' };
      const verify = await runNode([resolve('docs/tour/load-packages.mjs'), 'verify'], process.cwd(), '', nats);
      expect(verify.code, verify.stderr).to.equal(0);
    });

    it('a killed nats-server is started again, and service resumes by itself', async () => {
      const pid = (await mesh.pids()).get('nats-server') as number;
      process.kill(pid, 'SIGKILL');
      await until('nats-server has another process', () => mesh.mesh?.natsServer?.pid !== pid, 30_000);
      expect((await mesh.run('put', 'after-nats', 'yes', '--timeout', '30s')).code).to.equal(0);
      await kept();
    });

    it('a host is restarted on request', async () => {
      const pid = await pidOf('h2');
      const { code, stderr } = await mesh.run('host', 'restart', 'h2');
      expect(code, stderr).to.equal(0);
      expect(await pidOf('h2')).not.to.equal(pid);
      await healthy();
    });

    it('a killed supervisor takes its hosts with it, and `up` takes over what it left (J1, J4)', async () => {
      const pids = await mesh.pids();
      process.kill(pids.get('supervisor') as number, 'SIGKILL');
      const hosts = ['h1', 'h2', 'h3'].map((name) => pids.get(name) as number);
      await until('the hosts have ended', () => !hosts.some((pid) => mesh.isMine(pid)), 60_000);
      const { code, stderr } = await mesh.run('get', 'name');
      expect(code).to.equal(2);
      expect(stderr).to.include('`troupe up` starts it');
      await mesh.up();
      expect(mesh.isMine(pids.get('nats-server') as number)).to.equal(false);
      await kept();
    });

    async function pidOf(host: string): Promise<number | undefined> {
      const status = JSON.parse((await mesh.run('status', '-o', 'json')).stdout || '{"hosts":[]}') as StatusReport;
      return status.hosts.find((one) => one.name === host)?.pid;
    }
  });

  describe('down and up', () => {
    it('stops everything and keeps the data', async () => {
      const pids = await mesh.pids();
      expect((await mesh.run('down')).code).to.equal(0);
      for (const [name, pid] of pids) expect(mesh.isMine(pid), name).to.equal(false);
      expect(mesh.mesh).to.equal(undefined);
      const again = await mesh.run('down');
      expect(again.code).to.equal(0);
      expect(again.stderr).to.include('no mesh is running');
      expect((await mesh.run('get', 'name')).code).to.equal(2);
    });

    it('a host that lost its disk comes back by itself and catches up; two ups are one mesh (C17, J4)', async () => {
      rmSync(mesh.paths.host('h2'), { recursive: true });
      const both = await Promise.all([mesh.run('up'), mesh.run('up')]);
      for (const { code, stderr } of both) expect(code, stderr).to.equal(0);
      await healthy();
      await kept();
      const { members } = (await mesh.status()).metadata;
      expect(members).to.have.length(3);
    });

    it('a host whose directory is another’s is not started again and again (J3)', async () => {
      const identity = join(mesh.paths.host('h3'), 'identity.json');
      const right = readFileSync(identity, 'utf8');
      writeFileSync(identity, right.replace('"h3"', '"somebody"'));
      process.kill((await mesh.pids()).get('h3') as number, 'SIGKILL');
      await until('h3 was refused', () => mesh.log(10_000).includes('h3 is not started again'), 60_000);
      expect(mesh.log(10_000)).to.include('belongs to host somebody, not to h3');
      await kept();
      expect((await mesh.run('status')).code).to.equal(7);
      await mesh.run('down');
      const refused = await mesh.run('up');
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.include('troupe: REFUSED: ');
      writeFileSync(identity, right);
      await mesh.up();
      await kept();
    });

    it('down --wipe leaves nothing', async () => {
      const { code, stdout } = await mesh.run('down', '--wipe', '-o', 'json');
      expect(code).to.equal(0);
      expect(JSON.parse(stdout)).to.deep.equal({ stopped: true, wiped: true });
      expect(
        (await runNode(['-e', 'process.exit(require("fs").existsSync(".troupe") ? 1 : 0)'], mesh.folder)).code,
      ).to.equal(0);
    });
  });

  describe('one host over a NATS of somebody else', () => {
    const small = new CliMesh();
    let nats: TestNatsServer;

    before(async () => {
      nats = await TestNatsServer.start();
    });

    after(async () => {
      await small.close();
      await nats.kill();
    });

    it('is a cluster of one (B6), and leaves that NATS running', async () => {
      const { stdout } = await small.up('--hosts', '1', '--nats', nats.url);
      expect(stdout).to.include('1 hosts (h1)').and.include('(yours)');
      const { code, stdout: put } = await small.run('put', 'a', '1', '--timeout', String(hour));
      expect(code).to.equal(0);
      expect(put).to.equal('OK  version 1, sync on h1\n');
      expect((await small.run('down')).code).to.equal(0);
      const client = await small.run('get', 'a', '--nats', nats.url, '--timeout', '1s');
      expect(client.stderr).to.include('does not answer'); // NATS does, nobody behind it
    });
  });
});

function keyOf(entry: { readonly key: unknown }): unknown {
  return entry.key;
}
