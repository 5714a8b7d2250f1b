import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DirectoryLockedError, lockDirectory } from '../../../runtime/storage/directory-lock.js';
import {
  checkIdentity,
  type DirectoryIdentity,
  IdentityError,
  readIdentity,
  writeIdentity,
} from '../../../runtime/storage/identity.js';
import { stateOf, thisProcess } from '../../../runtime/storage/process-identity.js';

const lockModule = new URL('../../../runtime/storage/directory-lock.js', import.meta.url).href;

describe('data directory', () => {
  let root = '';
  const children: ChildProcess[] = [];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'troupe-directory-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  });

  /** A process that tries to lock the directory, says how that went, and stays. */
  function locker(): Promise<{ readonly child: ChildProcess; readonly said: string }> {
    const script = `
      import { lockDirectory } from ${JSON.stringify(lockModule)};
      try { lockDirectory(${JSON.stringify(root)}); console.log('locked'); }
      catch (error) { console.log(error.name); }
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return new Promise((resolve) => {
      child.stdout?.once('data', (data: Buffer) => resolve({ child, said: data.toString().trim() }));
    });
  }

  it('D16: one process at a time, and a killed one does not stand in the way', async () => {
    const first = await locker();
    expect(first.said).to.equal('locked');
    expect(() => lockDirectory(root)).to.throw(DirectoryLockedError, `in use by process ${first.child.pid}`);
    const ended = new Promise((resolve) => first.child.once('exit', resolve));
    first.child.kill('SIGKILL');
    await ended;
    const lock = lockDirectory(root);
    expect(() => lockDirectory(root)).to.throw(DirectoryLockedError, 'this process already');
    lock.release();
    lockDirectory(root).release();
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).to.deep.equal([]);
  });

  it('H2 H3: of several that come at once after a kill exactly one gets it', async () => {
    const gone = { ...thisProcess(), pid: 999_999_999, startTime: '1', released: false };
    writeFileSync(join(root, 'lock-7'), JSON.stringify(gone));
    const outcomes = await Promise.all([locker(), locker(), locker()]);
    expect(outcomes.map(({ said }) => said).sort((a, b) => (a < b ? -1 : 1))).to.deep.equal([
      'DirectoryLockedError',
      'DirectoryLockedError',
      'locked',
    ]);
  });

  it('H1: numbers only rise, through releases and stale files', () => {
    for (let round = 1; round <= 3; round++) {
      const lock = lockDirectory(root);
      expect(readdirSync(root)).to.deep.equal([`lock-${round}`]);
      if (round !== 2) lock.release();
      else writeFileSync(join(root, 'lock-2'), JSON.stringify({ ...thisProcess(), startTime: 'earlier' })); // a reused pid
    }
  });

  it('knows a process by its start, boot, machine and namespace, not by its number', () => {
    const here = thisProcess();
    expect(stateOf(here)).to.equal('running');
    expect(stateOf({ ...here, startTime: 'another' })).to.equal('ended');
    expect(stateOf({ ...here, pid: 999_999_999 })).to.equal('ended');
    expect(stateOf({ ...here, bootId: 'before' })).to.equal('ended');
    expect(stateOf({ ...here, bootId: 'before', machine: 'elsewhere' })).to.equal('unknown');
    expect(stateOf({ ...here, pidNamespace: 'other', machine: 'elsewhere' })).to.equal('unknown');
    expect(stateOf({ ...here, pidNamespace: 'other' })).to.equal('ended');
  });

  it('refuses a directory whose last user cannot be seen, and says what to do', () => {
    writeFileSync(join(root, 'lock-3'), JSON.stringify({ ...thisProcess(), bootId: 'x', machine: 'elsewhere' }));
    expect(() => lockDirectory(root)).to.throw(DirectoryLockedError, `remove ${join(root, 'lock-3')}`);
  });

  const identity: Omit<DirectoryIdentity, 'format'> = {
    clusterId: '0b4f6f0e-5f0b-4f1f-9d4f-3c6f3f0e8a11',
    host: 'h1',
    diskId: '00112233aabbccdd',
    workers: 2,
    createdAt: '2026-11-20T12:00:00.000Z',
  };

  it('D16: an identity is written once and read back', () => {
    const directory = join(root, 'deep', 'data');
    expect(readIdentity(directory)).to.equal(undefined);
    writeIdentity(directory, identity);
    expect(readIdentity(directory)).to.deep.equal({ format: 1, ...identity });
    expect(existsSync(join(directory, 'identity.json.tmp'))).to.equal(false);
    expect(() => writeIdentity(directory, identity)).to.throw(IdentityError, 'formatted already');
  });

  it('D16: a directory of another cluster, host or size is refused by name', () => {
    const found = writeIdentity(root, identity);
    checkIdentity(root, found, {});
    checkIdentity(root, found, { clusterId: identity.clusterId, host: 'h1', workers: 2 });
    const problems: [Parameters<typeof checkIdentity>[2], string, string][] = [
      [{ clusterId: 'other' }, 'OTHER_CLUSTER', `belongs to cluster ${identity.clusterId}, not to other`],
      [{ host: 'h2' }, 'OTHER_HOST', 'belongs to host h1, not to h2'],
      [{ workers: 4 }, 'OTHER_WORKERS', 'formatted for 2 workers, not for 4'],
    ];
    for (const [expected, code, message] of problems)
      expect(() => checkIdentity(root, found, expected))
        .to.throw(IdentityError, message)
        .with.property('code', code);
  });

  it('refuses a damaged identity, and one of a newer format', () => {
    writeIdentity(root, identity);
    const path = join(root, 'identity.json');
    const good = readFileSync(path, 'utf8');
    for (const bad of [
      '',
      '{',
      'null',
      '[]',
      '7',
      '{}',
      good.replace('h1', '../h1'),
      good.replace('2,', '"2",'),
      good.slice(0, -3),
    ]) {
      writeFileSync(path, bad);
      expect(() => readIdentity(root), JSON.stringify(bad))
        .to.throw(IdentityError)
        .with.property('code', 'DAMAGED');
    }
    writeFileSync(path, good.replace('"format": 1', '"format": 9'));
    expect(() => readIdentity(root))
      .to.throw(IdentityError, 'newer version')
      .with.property('code', 'NEWER_FORMAT');
  });
});
