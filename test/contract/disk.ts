// What a disk does, in every world (runtime/contract/disk.ts)
// =============================================================================

import { expect } from 'chai';
import { type Disk, DiskError, type DiskFile } from '../../runtime/contract/disk.js';

export interface DiskHarness {
  /** Empty; its root exists. */
  readonly disk: Disk;
  /** Lets operations go on: drives the disk, or waits a little. Called again and again until the callback came. */
  settle(): void | Promise<void>;
  cleanup(): void | Promise<void>;
}

export function describeDisk(name: string, make: () => DiskHarness | Promise<DiskHarness>): void {
  describe(`disk contract: ${name}`, () => {
    let harness: DiskHarness;
    let disk: Disk;

    beforeEach(async () => {
      harness = await make();
      disk = harness.disk;
      disk.makeDirectory('d');
    });
    afterEach(() => harness.cleanup());

    /** Starts an operation and waits for its callback, which must not come inside the call. */
    async function outcome<T>(start: (done: (error: DiskError | undefined, value?: T) => void) => void): Promise<T> {
      const results: { readonly error: DiskError | undefined; readonly value: T | undefined }[] = [];
      start((error, value) => void results.push({ error, value }));
      expect(results, 'a completion never comes inside the call').to.have.length(0);
      for (let turn = 0; results.length === 0; turn++) {
        if (turn > 10_000) throw new Error('the operation never completes');
        await harness.settle();
      }
      expect(results, 'a completion comes once').to.have.length(1);
      const [result] = results;
      if (result === undefined) throw new Error('unreachable: the loop waited for it');
      if (result.error !== undefined) throw result.error;
      return result.value as T;
    }

    async function failure(
      start: (done: (error: DiskError | undefined, value?: unknown) => void) => void,
    ): Promise<string> {
      try {
        await outcome(start);
      } catch (error) {
        expect(error).to.be.instanceOf(DiskError);
        return (error as DiskError).code;
      }
      throw new Error('the operation should have failed');
    }

    const create = (path: string, sizeBytes = 0): Promise<DiskFile> =>
      outcome<DiskFile>((done) => disk.create(path, sizeBytes, done));

    async function write(file: DiskFile, position: number, bytes: Uint8Array): Promise<void> {
      await outcome((done) => file.write(position, bytes, done));
    }

    async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
      const file = await create(path);
      await write(file, 0, bytes);
      await outcome((done) => file.sync(done));
      await outcome((done) => file.close(done));
    }

    it('creates a file of zeros at its full size', async () => {
      const file = await create('d/zeros', 100_000);
      expect(disk.sizeOf('d/zeros')).to.equal(100_000);
      expect(disk.read('d/zeros', 0, 100_000).every((byte) => byte === 0)).to.equal(true);
      await outcome((done) => file.close(done));
    });

    it('refuses to create what exists', async () => {
      await writeFile('d/a', Uint8Array.of(1));
      expect(await failure((done) => disk.create('d/a', 10, done))).to.equal('EEXIST');
      expect(disk.read('d/a', 0, 9)).to.deep.equal(Uint8Array.of(1));
    });

    it('reads what was written, where it was written', async () => {
      const file = await create('d/a', 16);
      await write(file, 4, Uint8Array.of(1, 2, 3));
      await write(file, 6, Uint8Array.of(9));
      expect([...disk.read('d/a', 3, 6)]).to.deep.equal([0, 1, 2, 9, 0, 0]);
      await outcome((done) => file.sync(done));
      await outcome((done) => file.close(done));
    });

    it('grows a file that is written beyond its end', async () => {
      const file = await create('d/a', 2);
      await write(file, 4, Uint8Array.of(7));
      expect(disk.sizeOf('d/a')).to.equal(5);
      expect([...disk.read('d/a', 0, 9)]).to.deep.equal([0, 0, 0, 0, 7]);
      await outcome((done) => file.close(done));
    });

    it('reads fewer bytes at the end and none behind it', async () => {
      await writeFile('d/a', Uint8Array.of(1, 2, 3));
      expect([...disk.read('d/a', 2, 10)]).to.deep.equal([3]);
      expect(disk.read('d/a', 3, 10)).to.have.length(0);
      expect(disk.read('d/a', 30, 10)).to.have.length(0);
    });

    it('gives bytes that belong to the reader', async () => {
      await writeFile('d/a', Uint8Array.of(1, 2, 3));
      disk.read('d/a', 0, 3).fill(9);
      expect([...disk.read('d/a', 0, 3)]).to.deep.equal([1, 2, 3]);
    });

    it('writes megabytes in one go', async () => {
      const bytes = new Uint8Array(3 * 1024 * 1024 + 17);
      for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31) & 0xff;
      await writeFile('d/big', bytes);
      expect(Buffer.compare(disk.read('d/big', 0, bytes.length + 5), bytes)).to.equal(0);
    });

    it('opens a file for writing, and only one that exists', async () => {
      await writeFile('d/a', Uint8Array.of(1, 2, 3));
      const file = await outcome<DiskFile>((done) => disk.open('d/a', done));
      await write(file, 1, Uint8Array.of(5));
      await outcome((done) => file.close(done));
      expect([...disk.read('d/a', 0, 3)]).to.deep.equal([1, 5, 3]);
      expect(await failure((done) => disk.open('d/none', done))).to.equal('ENOENT');
    });

    it('says what is there: names in order, sizes, nothing for what is missing', async () => {
      await writeFile('d/b', Uint8Array.of(1));
      await writeFile('d/a', Uint8Array.of(1, 2));
      disk.makeDirectory('d/c/e');
      disk.makeDirectory('d/c/e');
      expect(disk.list('d')).to.deep.equal(['a', 'b', 'c']);
      expect(disk.list('d/c')).to.deep.equal(['e']);
      expect(disk.list('none')).to.deep.equal([]);
      expect(disk.sizeOf('d/a')).to.equal(2);
      expect(disk.sizeOf('d/none')).to.equal(undefined);
      expect(() => disk.read('d/none', 0, 1)).to.throw(DiskError);
    });

    it('renames over what is there', async () => {
      await writeFile('d/a', Uint8Array.of(1));
      await writeFile('d/b', Uint8Array.of(2));
      await outcome((done) => disk.rename('d/a', 'd/b', done));
      await outcome((done) => disk.syncDirectory('d', done));
      expect(disk.list('d')).to.deep.equal(['b']);
      expect([...disk.read('d/b', 0, 9)]).to.deep.equal([1]);
      expect(await failure((done) => disk.rename('d/none', 'd/c', done))).to.equal('ENOENT');
    });

    it('removes files and whole directories, and does not mind what is missing', async () => {
      await writeFile('d/a', Uint8Array.of(1));
      disk.makeDirectory('d/c');
      await writeFile('d/c/x', Uint8Array.of(1));
      await outcome((done) => disk.remove('d/a', done));
      await outcome((done) => disk.remove('d/c', done));
      await outcome((done) => disk.remove('d/none', done));
      expect(disk.list('d')).to.deep.equal([]);
    });

    it('lets a removed name be created again, empty', async () => {
      await writeFile('d/a', Uint8Array.of(1, 2, 3));
      await outcome((done) => disk.remove('d/a', done));
      const file = await create('d/a', 2);
      expect([...disk.read('d/a', 0, 9)]).to.deep.equal([0, 0]);
      await outcome((done) => file.close(done));
    });

    it('keeps files apart while several are written', async () => {
      const files = await Promise.all(['x', 'y', 'z'].map((name) => create(`d/${name}`, 64)));
      await Promise.all(files.map((file, at) => write(file, 8, new Uint8Array(8).fill(at + 1))));
      expect(['x', 'y', 'z'].map((name) => disk.read(`d/${name}`, 8, 1)[0])).to.deep.equal([1, 2, 3]);
      for (const file of files) await outcome((done) => file.close(done));
    });
  });
}
