import { expect } from 'chai';
import type { DiskError, DiskFile } from '../../../runtime/contract/disk.js';
import { sectorBytes } from '../../../runtime/simulation/disk-image.js';
import { Scheduler } from '../../../runtime/simulation/scheduler.js';
import { type DiskOptions, type DiskSession, SimulatedDisk } from '../../../runtime/simulation/simulated-disk.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { describeDisk } from '../../contract/disk.js';

/** A disk, a process on it, and time. */
class Bench {
  readonly scheduler: Scheduler;
  readonly disk: SimulatedDisk;
  process: DiskSession;

  constructor(seed: string, options: Partial<DiskOptions> = {}) {
    this.scheduler = new Scheduler(seededRandom(`${seed}/scheduler`));
    this.disk = new SimulatedDisk(this.scheduler, seededRandom(seed), options);
    this.process = this.disk.session();
    this.process.makeDirectory('d');
  }

  /** Runs until the operation has called back. */
  await<T>(start: (done: (error: DiskError | undefined, value?: T) => void) => void): T {
    const results: { readonly error: DiskError | undefined; readonly value: T | undefined }[] = [];
    start((error, value) => void results.push({ error, value }));
    while (results.length === 0) expect(this.scheduler.step(), 'the operation completes').to.equal(true);
    const [result] = results;
    if (result?.error !== undefined) throw result.error;
    return result?.value as T;
  }

  create(path: string, sizeBytes = 0): DiskFile {
    return this.await<DiskFile>((done) => this.process.create(path, sizeBytes, done));
  }

  write(file: DiskFile, position: number, bytes: Uint8Array): void {
    this.await((done) => file.write(position, bytes, done));
  }

  sync(file: DiskFile): void {
    this.await((done) => file.sync(done));
  }

  losePower(): void {
    this.process.revoke();
    this.disk.crash();
    this.process = this.disk.session();
  }

  kill(): void {
    this.process.revoke();
    this.process = this.disk.session();
  }
}

describeDisk('simulated', () => {
  const bench = new Bench('contract');
  bench.process.makeDirectory('.');
  return { disk: bench.process, settle: () => void bench.scheduler.step(), cleanup: () => undefined };
});

const seeds = Array.from({ length: 40 }, (_, i) => `disk ${i}`);

describe('the simulated disk', () => {
  it('F1. keeps what was synced, at any crash', () => {
    for (const seed of seeds) {
      const bench = new Bench(seed);
      const file = bench.create('d/f');
      bench.write(file, 0, new Uint8Array(3000).fill(1));
      bench.sync(file);
      bench.write(file, 1000, new Uint8Array(100).fill(2));
      bench.losePower();
      const bytes = bench.process.read('d/f', 0, 5000);
      expect(bytes.length).to.equal(3000);
      bytes.forEach((byte, i) => expect(byte === 1 || (byte === 2 && i >= 1000 && i < 1100), `${i}`).to.equal(true));
    }
  });

  it('F2. loses, keeps or tears at sectors what was not synced, in any order; all of these happen', () => {
    const seen = new Set<string>();
    for (const seed of seeds) {
      const bench = new Bench(seed);
      const file = bench.create('d/f', 8 * sectorBytes);
      for (let at = 0; at < 2; at++)
        bench.write(file, at * 4 * sectorBytes, new Uint8Array(4 * sectorBytes).fill(at + 1));
      bench.losePower();
      const bytes = bench.process.read('d/f', 0, 8 * sectorBytes);
      let picture = '';
      for (let sector = 0; sector < 8; sector++) {
        const values = new Set(bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes));
        expect(values.size, 'a sector is whole').to.equal(1);
        picture += [...values][0] === 0 ? '-' : 'x';
      }
      seen.add(picture);
    }
    expect(seen).to.include('--------');
    expect(seen).to.include('xxxxxxxx');
    expect(
      [...seen].some((picture) => /^-{4}x{4}$/.test(picture)),
      'a later write without the earlier',
    ).to.equal(true);
    expect(
      [...seen].some((picture) => /x-x/.test(picture)),
      'torn in the middle',
    ).to.equal(true);
  });

  it('F3. keeps or loses names that were not synced; a rename within a directory is whole', () => {
    const seen = new Set<string>();
    for (const seed of seeds) {
      const bench = new Bench(seed);
      bench.sync(bench.create('d/new'));
      const old = bench.create('d/old');
      bench.write(old, 0, Uint8Array.of(7));
      bench.sync(old);
      bench.await((done) => bench.process.rename('d/new', 'd/old', done));
      bench.losePower();
      const names = bench.process.list('d').join(' ');
      expect(names).to.be.oneOf(['new old', 'old']);
      if (names === 'old') expect(bench.process.sizeOf('d/old')).to.equal(0);
      else expect([...bench.process.read('d/old', 0, 9)]).to.deep.equal([7]);
      seen.add(names);
    }
    expect(seen.size).to.equal(2);
  });

  it('F1. keeps names whose directory was synced, removed ones too', () => {
    for (const seed of seeds.slice(0, 10)) {
      const bench = new Bench(seed);
      bench.create('d/gone');
      bench.create('d/from');
      bench.await((done) => bench.process.remove('d/gone', done));
      bench.await((done) => bench.process.rename('d/from', 'd/to', done));
      bench.await((done) => bench.process.syncDirectory('d', done));
      bench.losePower();
      expect(bench.process.list('d')).to.deep.equal(['to']);
    }
  });

  it('E1. calls nobody back whose process is gone, and keeps what a killed process had written', () => {
    const outcomes = new Set<number>();
    for (const seed of seeds) {
      const bench = new Bench(seed);
      const file = bench.create('d/f');
      bench.write(file, 0, Uint8Array.of(1));
      let called = false;
      file.write(1, Uint8Array.of(2), () => {
        called = true;
      });
      bench.kill();
      while (bench.scheduler.step()) continue;
      expect(called).to.equal(false);
      const bytes = bench.process.read('d/f', 0, 9);
      expect(bytes[0]).to.equal(1);
      outcomes.add(bytes.length);
    }
    expect([...outcomes].sort((a, b) => a - b)).to.deep.equal([1, 2]);
  });

  it('E2. catches a buffer that changes while it is being written', () => {
    const bench = new Bench('buffer');
    const file = bench.create('d/f');
    const bytes = Uint8Array.of(1, 2, 3);
    file.write(0, bytes, () => undefined);
    bytes[1] = 9;
    expect(() => {
      while (bench.scheduler.step()) continue;
    }).to.throw('E2');
  });

  it('E3. covers by a sync only what had been written when it was asked for', () => {
    let uncovered = 0;
    for (const seed of seeds) {
      const bench = new Bench(seed, { syncMeanMs: 50, writeMeanMs: 0.01 });
      const file = bench.create('d/f', 2 * sectorBytes);
      bench.write(file, 0, new Uint8Array(sectorBytes).fill(1));
      const synced: (DiskError | undefined)[] = [];
      file.sync((error) => void synced.push(error));
      bench.write(file, sectorBytes, new Uint8Array(sectorBytes).fill(2));
      while (synced.length === 0) bench.scheduler.step();
      bench.losePower();
      expect(bench.process.read('d/f', 0, 1)[0]).to.equal(1);
      if (bench.process.read('d/f', sectorBytes, 1)[0] === 0) uncovered++;
    }
    expect(uncovered).to.be.within(1, seeds.length - 1);
  });

  it('may have lost the writes of a failed sync, though the next one succeeds (D11)', () => {
    let lost = 0;
    for (const seed of seeds) {
      const bench = new Bench(seed);
      const file = bench.create('d/f', sectorBytes);
      bench.write(file, 0, Uint8Array.of(1));
      bench.disk.failNext('sync');
      expect(() => bench.sync(file)).to.throw('EIO');
      bench.sync(file);
      bench.losePower();
      if (bench.process.read('d/f', 0, 1)[0] === 0) lost++;
    }
    expect(lost).to.be.greaterThan(0);
  });

  it('limits of space may overlap and end in any order: the smallest is in force, and in the end none (K15)', () => {
    const { disk } = new Bench('limits', { capacityBytes: 10_000 });
    const endFirst = disk.limitSpace(3000);
    const endSecond = disk.limitSpace(1000);
    expect(disk.capacityBytes).to.equal(1000);
    endFirst();
    expect(disk.capacityBytes).to.equal(1000);
    endSecond();
    expect(disk.capacityBytes).to.equal(10_000);
  });

  it('says ENOSPC when it is full, and takes more once something is removed', () => {
    const bench = new Bench('full', { capacityBytes: 10_000 });
    bench.create('d/a', 8000);
    expect(() => bench.create('d/b', 8000)).to.throw('no space');
    bench.await((done) => bench.process.remove('d/a', done));
    const file = bench.create('d/b', 8000);
    expect(() => bench.write(file, 8000, new Uint8Array(3000))).to.throw('no space');
    bench.write(file, 8000, new Uint8Array(2000));
  });

  it('rots, hangs and fails on demand', () => {
    const bench = new Bench('demand');
    const file = bench.create('d/f', 100);
    bench.disk.rot('d/f');
    const ones = [...bench.process.read('d/f', 0, 100)].reduce((sum, byte) => sum + (byte === 0 ? 0 : 1), 0);
    expect(ones).to.equal(1);
    bench.disk.hang(5000);
    bench.write(file, 0, Uint8Array.of(1));
    expect(bench.scheduler.nowMs).to.be.at.least(5000);
    bench.disk.options.writeErrorProbability = 1;
    expect(() => bench.write(file, 0, Uint8Array.of(1))).to.throw('EIO');
  });

  it('F2. F3. leaves what the style of a crash says: torn, whole writes in any order, any sectors, names or renames', () => {
    const size = 3 * sectorBytes;
    const kept = { torn: new Set<string>(), reordered: new Set<string>(), scattered: new Set<string>() };
    for (const style of ['torn', 'reordered', 'scattered'] as const) {
      for (const seed of seeds) {
        const bench = new Bench(seed);
        const file = bench.create('d/f', 2 * size);
        for (const half of [0, 1]) bench.write(file, half * size, new Uint8Array(size).fill(1));
        bench.process.revoke();
        bench.disk.crash(style);
        const bytes = bench.disk.session().read('d/f', 0, 2 * size);
        kept[style].add(Array.from({ length: 6 }, (_, i) => bytes[i * sectorBytes]).join(''));
      }
    }
    expect(
      [...kept.torn].every((one) => /^(000|100|110|111){2}$/.test(one)),
      [...kept.torn].join(),
    ).to.equal(true);
    expect([...kept.reordered].every((one) => /^(000|111){2}$/.test(one))).to.equal(true);
    expect(kept.reordered).to.include('000111');
    expect([...kept.scattered].some((one) => /010|101/.test(one))).to.equal(true);

    for (const [style, names] of [
      ['names', ['new']],
      ['renames', ['gone', 'old']],
      ['lost', ['gone', 'new', 'old']],
    ] as const) {
      const seen = new Set<string>();
      for (const seed of seeds) {
        const bench = new Bench(seed);
        for (const name of ['old', 'gone']) bench.sync(bench.create(`d/${name}`));
        bench.await((done) => bench.process.rename('d/old', 'd/new', done));
        bench.await((done) => bench.process.remove('d/gone', done));
        bench.process.revoke();
        bench.disk.crash(style);
        for (const name of bench.disk.session().list('d')) seen.add(name);
        const { namesLost, renamesLost } = bench.disk.image.crashEffects;
        if (style !== 'lost') expect([namesLost, renamesLost]).to.deep.equal(style === 'names' ? [1, 0] : [1, 1]);
      }
      const expected = style === 'names' ? ['gone', 'new'] : style === 'renames' ? ['old'] : names;
      expect([...seen].sort((a, b) => (a < b ? -1 : 1))).to.deep.equal([...expected]);
    }
  });

  it('lies, splits and misdirects as its troubles say, and reads what they make of it', () => {
    const bench = new Bench('troubles');
    const file = bench.create('d/f', 100);
    const other = bench.create('d/g', 100);
    bench.sync(other);
    const parts: number[] = [];
    const honest = bench.disk.trouble({ lies: () => true });
    bench.write(file, 0, new Uint8Array(10).fill(1));
    bench.sync(file);
    honest();
    const whole = bench.disk.trouble({ splits: () => 4, happened: (operation) => void parts.push(operation.length) });
    bench.write(file, 10, new Uint8Array(10).fill(2));
    whole();
    expect(parts.length).to.equal(2);
    const straight = bench.disk.trouble({ redirects: () => ({ path: 'd/g', position: 50 }) });
    bench.write(file, 20, new Uint8Array(10).fill(3));
    straight();
    expect(bench.process.read('d/f', 20, 1)[0]).to.equal(0);
    expect(bench.process.read('d/g', 50, 1)[0]).to.equal(3);
    expect(bench.disk.misreads).to.equal(false);
    const sound = bench.disk.trouble({ reads: (_, __, bytes) => bytes.map((byte) => byte ^ 1) });
    expect(bench.disk.misreads).to.equal(true);
    expect(bench.process.read('d/f', 0, 2)).to.deep.equal(new Uint8Array([0, 0]));
    sound();
    bench.process.revoke();
    bench.disk.crash('lost');
    expect([...bench.disk.session().read('d/f', 0, 30)].every((byte) => byte === 0)).to.equal(true);
  });

  it('goes on with what waited when it hangs no more, and comes back with what it held before', () => {
    const bench = new Bench('hang');
    const file = bench.create('d/f', 10);
    bench.disk.hang(1e12);
    const written: unknown[] = [];
    file.write(0, new Uint8Array(10).fill(7), (error) => void written.push(error));
    expect(bench.scheduler.nextMs()).to.be.greaterThan(1e11);
    bench.disk.heal();
    while (written.length === 0) expect(bench.scheduler.step()).to.equal(true);
    expect(bench.scheduler.nowMs).to.be.lessThan(1000);
    const copy = bench.disk.image.copy();
    bench.write(file, 0, new Uint8Array(10).fill(8));
    bench.create('d/later', 5);
    const usedBytes = bench.disk.image.usedBytes;
    bench.process.revoke();
    bench.disk.image.restore(copy);
    bench.disk.crash('lost');
    const after = bench.disk.session();
    expect(after.list('d')).to.deep.equal(['f']);
    expect(after.read('d/f', 0, 10)).to.deep.equal(new Uint8Array(10).fill(7));
    expect(bench.disk.image.usedBytes).to.equal(usedBytes - 5);
  });
});
