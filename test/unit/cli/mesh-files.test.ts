// The files of a local mesh: made, grown, damaged, mixed up
// =============================================================================

import { expect } from 'chai';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../../../cli/cli-error.js';
import { prepareMesh } from '../../../cli/mesh/format-mesh.js';
import {
  isRunning,
  type MeshPaths,
  meshPaths,
  readClusterFile,
  readMeshFile,
  writeJson,
} from '../../../cli/mesh/mesh-file.js';
import { memberIdOf } from '../../../actors/metadata/member-id.js';
import { readIdentity } from '../../../runtime/storage/identity.js';
import { thisProcess } from '../../../runtime/storage/process-identity.js';

describe('cli mesh files', () => {
  let paths: MeshPaths;

  beforeEach(() => {
    paths = meshPaths(mkdtempSync(join(tmpdir(), 'troupe-mesh-files-')));
  });

  afterEach(() => {
    rmSync(paths.root, { recursive: true, force: true });
  });

  function refused(work: () => unknown): CliError {
    try {
      work();
    } catch (error) {
      if (error instanceof CliError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  }

  it('a first start formats a directory for each host, and names the members of the metadata group', () => {
    const made = prepareMesh(paths, { hosts: 4, workers: 3 });
    expect(made.hosts.map((host) => host.name)).to.deep.equal(['h1', 'h2', 'h3', 'h4']);
    expect(made.hosts.map((host) => host.member !== undefined)).to.deep.equal([true, true, true, false]);
    for (const { name, member } of made.hosts) {
      const identity = readIdentity(paths.host(name));
      expect(identity).to.include({ clusterId: made.clusterId, host: name, workers: 3 });
      if (member !== undefined) expect(member).to.equal(memberIdOf(name, identity?.diskId ?? ''));
    }
    expect(readClusterFile(paths)).to.deep.equal(made);
  });

  it('one host is a group of one, five are a group of five', () => {
    expect(prepareMesh(paths, { hosts: 1 }).hosts[0]?.member).to.be.a('string');
    rmSync(paths.root, { recursive: true });
    const five = prepareMesh(paths, { hosts: 5 });
    expect(five.hosts.every((host) => host.member !== undefined)).to.equal(true);
  });

  it('a later start finds the same mesh, and adds hosts when more are asked for', () => {
    const made = prepareMesh(paths, {});
    expect(prepareMesh(paths, {})).to.deep.equal(made);
    const grown = prepareMesh(paths, { hosts: 5 });
    expect(grown.hosts.slice(0, 3)).to.deep.equal(made.hosts);
    expect(grown.hosts.slice(3)).to.deep.equal([{ name: 'h4' }, { name: 'h5' }]);
    expect(prepareMesh(paths, {})).to.deep.equal(grown);
  });

  it('what cannot be changed later is refused', () => {
    prepareMesh(paths, { hosts: 3, workers: 2 });
    expect(refused(() => prepareMesh(paths, { hosts: 2 })).code).to.equal('USAGE');
    expect(refused(() => prepareMesh(paths, { workers: 3 })).code).to.equal('USAGE');
    expect(refused(() => prepareMesh(paths, { cluster: 'other' })).code).to.equal('USAGE');
  });

  it('a directory of another cluster, host or worker count is refused by name (D16)', () => {
    prepareMesh(paths, {});
    const other = meshPaths(mkdtempSync(join(tmpdir(), 'troupe-mesh-files-')));
    prepareMesh(other, {});
    rmSync(paths.host('h2'), { recursive: true });
    cpSync(other.host('h2'), paths.host('h2'), { recursive: true });
    rmSync(other.root, { recursive: true });
    const error = refused(() => prepareMesh(paths, {}));
    expect(error.code).to.equal('REFUSED');
    expect(error.message).to.include('belongs to cluster');
    rmSync(paths.host('h2'), { recursive: true });
    cpSync(paths.host('h1'), paths.host('h2'), { recursive: true });
    expect(refused(() => prepareMesh(paths, {})).message).to.include('belongs to host h1');
  });

  it('a host without a directory is no error: it comes back with a new disk (C17)', () => {
    const made = prepareMesh(paths, {});
    rmSync(paths.host('h2'), { recursive: true });
    expect(prepareMesh(paths, {})).to.deep.equal(made);
  });

  it('all directories gone is an error: nothing is begun anew by itself', () => {
    prepareMesh(paths, {});
    rmSync(paths.hosts, { recursive: true });
    expect(refused(() => prepareMesh(paths, {})).message).to.include('are gone');
  });

  it('a first start that was interrupted is begun again, unless there are data', () => {
    prepareMesh(paths, {});
    rmSync(paths.cluster);
    expect(prepareMesh(paths, { hosts: 1 }).hosts).to.have.length(1);
    expect(existsSync(paths.host('h3'))).to.equal(false);
    rmSync(paths.cluster);
    mkdirSync(join(paths.host('h1'), 'worker-0'));
    expect(refused(() => prepareMesh(paths, {})).code).to.equal('DATA_UNREADABLE');
    expect(existsSync(paths.host('h1'))).to.equal(true);
  });

  it('damaged files are one clear line, never an exception of the parser', () => {
    for (const text of ['', '{', 'null', '[]', '{"version":2}', '{"version":1}', '{"version":1,"hosts":[]}', '7']) {
      writeFileSync(paths.cluster, text);
      writeFileSync(paths.mesh, text);
      expect(refused(() => readClusterFile(paths)).code, text).to.equal('DATA_UNREADABLE');
      expect(refused(() => readMeshFile(paths)).code, text).to.equal('DATA_UNREADABLE');
    }
  });

  it('a mesh runs as long as its supervisor does, and a reused process id is somebody else (J1)', () => {
    const base = { version: 1 as const, cluster: 'local', clusterId: 'c', nats: 'nats://x', ownNats: true, hosts: [] };
    const supervisor = thisProcess();
    const mesh = { ...base, pid: supervisor.pid, supervisor, startedAt: '' };
    writeJson(paths.mesh, mesh);
    expect(readMeshFile(paths)).to.deep.equal(mesh);
    expect(isRunning(mesh)).to.equal(true);
    expect(isRunning({ ...mesh, supervisor: { ...supervisor, startTime: '1' } })).to.equal(false);
    expect(readFileSync(paths.mesh, 'utf8')).to.match(/\n$/);
  });
});
