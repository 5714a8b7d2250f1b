import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect, ConnectError, TroupeError } from '../../../messaging/client/index.js';
import { whereOf } from '../../../messaging/client/connect.js';
import { findMeshFile, parseMeshFile, splitServers } from '../../../messaging/client/mesh-file.js';

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}

describe('client: connect', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'troupe-client-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function writeMesh(text: string): void {
    mkdirSync(join(directory, '.troupe'), { recursive: true });
    writeFileSync(join(directory, '.troupe', 'mesh.json'), text);
  }

  it('finds the nearest mesh file upward', () => {
    writeMesh(JSON.stringify({ cluster: 'local', nats: 'nats://127.0.0.1:4333', clusterId: 'ab'.repeat(16) }));
    const deep = join(directory, 'a', 'b');
    mkdirSync(deep, { recursive: true });
    expect(findMeshFile(deep)).to.deep.include({ cluster: 'local', servers: ['nats://127.0.0.1:4333'] });
    expect(whereOf({ directory: deep }, {})).to.deep.equal({
      servers: ['nats://127.0.0.1:4333'],
      cluster: 'local',
      clusterId: 'ab'.repeat(16),
      isLocal: true,
    });
  });

  it('options beat the environment, and that beats the mesh file', () => {
    writeMesh(JSON.stringify({ cluster: 'mine', nats: 'nats://file:1' }));
    const env = { TROUPE_NATS: 'nats://env:1, nats://env:2', TROUPE_CLUSTER: 'east' };
    expect(whereOf({ directory, servers: 'nats://given:1' }, env)).to.deep.include({
      servers: ['nats://given:1'],
      cluster: 'east',
      isLocal: false,
    });
    expect(whereOf({ directory }, env).servers).to.deep.equal(['nats://env:1', 'nats://env:2']);
    expect(whereOf({ directory, cluster: 'other' }, {})).to.deep.include({ cluster: 'other', isLocal: false });
    expect(whereOf({ directory }, { TROUPE_NATS: '' })).to.deep.include({ cluster: 'mine', isLocal: true });
    expect(whereOf({ servers: ['nats://a:1'] }, {})).to.deep.include({ cluster: 'local', isLocal: true });
  });

  it('a broken mesh file, and none at all, say what to do', () => {
    for (const text of ['', '{', 'null', '[]', '{}', '{"cluster":"c"}', '{"cluster":"c","nats":[5]}'])
      expect(() => parseMeshFile('/x/mesh.json', text), text).to.throw(ConnectError, 'troupe up');
    expect(() => whereOf({ directory }, {})).to.throw(ConnectError, 'troupe up');
    expect(splitServers(' a , ,b')).to.deep.equal(['a', 'b']);
  });

  it('wrong options are refused, an aborted signal at once', async () => {
    expect(await rejection(connect({ server: 'x' } as never))).to.be.an.instanceOf(TypeError);
    expect(await rejection(connect({ servers: 5 as never }))).to.be.an.instanceOf(TypeError);
    expect(await rejection(connect({ servers: 'nats://127.0.0.1:1', cluster: 'no dots.please' }))).to.include({
      code: 'INVALID_ARGUMENT',
    });
    expect(await rejection(connect({ servers: 'http://127.0.0.1:1' }))).to.be.an.instanceOf(TroupeError);
    const reason = new Error('no');
    expect(await rejection(connect({ signal: AbortSignal.abort(reason) }))).to.equal(reason);
  });

  it('no server there is a ConnectError', async () => {
    const error = await rejection(connect({ servers: 'nats://127.0.0.1:1', connectTimeout: 50 }));
    expect(error).to.be.an.instanceOf(ConnectError);
    expect(error).to.include({ code: 'UNAVAILABLE' });
  });
});
