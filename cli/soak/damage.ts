// Damage to the files of a host that does not run
// =============================================================================
//
// Only what was written is hit: the segments of a journal are allocated ahead, and a flipped bit among zeros that nobody reads says little.

import { openSync, closeSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../runtime/std/random.js';

/** The files of a host's journals, by path. */
export function journalFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(segment|snapshot)-\d+/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => writtenBytes(path) > 0)
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Up to the last byte that is not zero. */
export function writtenBytes(path: string): number {
  const bytes = readFileSync(path);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

/** @returns what was done, for people */
export function flipBits(directory: string, random: Random): string {
  const path = pickFile(directory, random);
  const written = writtenBytes(path);
  const count = random.between(1, 8);
  const bytes = readFileSync(path);
  const file = openSync(path, 'r+');
  for (let i = 0; i < count; i++) {
    const at = random.below(written);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    writeSync(file, bytes, at, 1, at);
  }
  closeSync(file);
  return `${count} bits of ${path.slice(directory.length + 1)}`;
}

/** Cuts a file off within what was written. @returns what was done, for people */
export function truncateFile(directory: string, random: Random): string {
  const path = pickFile(directory, random);
  const bytes = random.below(writtenBytes(path));
  const before = statSync(path).size;
  truncateSync(path, bytes);
  return `${path.slice(directory.length + 1)} from ${before} to ${bytes} bytes`;
}

export function wipe(directory: string): string {
  rmSync(directory, { recursive: true, force: true });
  return 'all of it';
}

function pickFile(directory: string, random: Random): string {
  const files = journalFiles(directory);
  if (files.length === 0) throw new Error(`there is no journal in ${directory}`);
  return random.pick(files);
}
