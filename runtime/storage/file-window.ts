// A file read through a sliding window, in bounded memory
// =============================================================================
//
// Bytes that the disk cannot read (EIO) come back as 0xFF, which is neither zero nor the header of anything: a bad sector then
// is a bad record, and recovery judges it like any other (D7).

import { type Disk, DiskError } from '../contract/disk.js';

const windowBytes = 1024 * 1024;
const sectorBytes = 4096;

export class FileWindow {
  readonly #disk: Disk;
  readonly #path: string;
  readonly sizeBytes: number;
  #start = 0;
  /** The bytes in the window; the next `need` may replace them. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** The same, four bytes each; a rest of one to three bytes is left out. */
  words: Uint32Array = new Uint32Array(0);
  /** Sectors that could not be read. */
  unreadableCount = 0;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
    this.sizeBytes = disk.sizeOf(path) ?? 0;
  }

  /** Brings `[position, position + length)` into the window. @returns where it begins there, or undefined beyond the file. */
  need(position: number, length: number): number | undefined {
    if (position + length > this.sizeBytes) return undefined;
    const at = position - this.#start;
    if (at >= 0 && at + length <= this.bytes.length) return at;
    this.#start = position;
    const bytes = this.#read(position, Math.min(Math.max(length, windowBytes), this.sizeBytes - position));
    this.bytes = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    this.words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length >> 2);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.bytes.length >= length ? 0 : undefined;
  }

  #read(position: number, length: number): Uint8Array {
    try {
      return this.#disk.read(this.#path, position, length);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return this.#readBySector(position, length);
    }
  }

  #readBySector(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length).fill(0xff);
    for (let at = 0; at < length; ) {
      const count = Math.min(sectorBytes - ((position + at) % sectorBytes), length - at);
      try {
        bytes.set(this.#disk.read(this.#path, position + at, count), at);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        this.unreadableCount++;
      }
      at += count;
    }
    return bytes;
  }
}
