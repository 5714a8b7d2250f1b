// A disk as one process sees it: when the process is ended, nothing more is begun or heard
// =============================================================================
//
// Lets a test end a journal that runs in the test's own process. What was under way is waited for, as the kernel would carry it out.

import type { Disk, DiskFile } from '../../runtime/contract/disk.js';

export class SessionDisk implements Disk {
  readonly #disk: Disk;
  #underWay = 0;
  #isEnded = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get isQuiet(): boolean {
    return this.#underWay === 0;
  }

  end(): void {
    this.#isEnded = true;
  }

  #do<Results extends readonly unknown[]>(
    start: (done: (...results: Results) => void) => void,
    done: (...results: Results) => void,
  ): void {
    if (this.#isEnded) return;
    this.#underWay++;
    start((...results) => {
      this.#underWay--;
      if (!this.#isEnded) done(...results);
    });
  }

  makeDirectory(path: string): void {
    this.#disk.makeDirectory(path);
  }

  list(path: string): string[] {
    return this.#disk.list(path);
  }

  sizeOf(path: string): number | undefined {
    return this.#disk.sizeOf(path);
  }

  read(path: string, position: number, length: number): Uint8Array {
    return this.#disk.read(path, position, length);
  }

  create(...[path, sizeBytes, done]: Parameters<Disk['create']>): void {
    this.#do<Parameters<typeof done>>(
      (finished) => this.#disk.create(path, sizeBytes, finished),
      (error, file) => done(error, file === undefined ? undefined : this.#file(file)),
    );
  }

  open(...[path, done]: Parameters<Disk['open']>): void {
    this.#do<Parameters<typeof done>>(
      (finished) => this.#disk.open(path, finished),
      (error, file) => done(error, file === undefined ? undefined : this.#file(file)),
    );
  }

  rename(...[from, to, done]: Parameters<Disk['rename']>): void {
    this.#do((finished) => this.#disk.rename(from, to, finished), done);
  }

  remove(...[path, done]: Parameters<Disk['remove']>): void {
    this.#do((finished) => this.#disk.remove(path, finished), done);
  }

  syncDirectory(...[path, done]: Parameters<Disk['syncDirectory']>): void {
    this.#do((finished) => this.#disk.syncDirectory(path, finished), done);
  }

  #file(file: DiskFile): DiskFile {
    return {
      write: (position, bytes, done) => this.#do((finished) => file.write(position, bytes, finished), done),
      sync: (done) => this.#do((finished) => file.sync(finished), done),
      close: (done) => this.#do((finished) => file.close(finished), done),
    };
  }
}
