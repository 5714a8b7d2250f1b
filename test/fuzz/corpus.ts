// Inputs that once reached something new, kept in git
// =============================================================================
//
// One file an input, named by its hash, in `test/fuzz/corpus/<target>`. Names and contents are all there is: adding a file adds a test.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Beyond it a corpus is not added to: all of it is run by every `make test`. */
export const corpusCountMax = 60;
/** Larger inputs are not kept. */
export const corpusInputBytesMax = 4096;

export function corpusFolder(target: string): string {
  return join(process.cwd(), 'test/fuzz/corpus', target);
}

/** Where inputs go that broke a rule, until somebody has mended it and put them into the corpus. */
export function crashFolder(target: string): string {
  return join(process.cwd(), '.build/fuzz/crashes', target);
}

export function nameOf(input: Uint8Array): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16);
}

/** Sorted by name, so that every run sees them in one order. */
export function readCorpus(target: string): readonly Uint8Array[] {
  const folder = corpusFolder(target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => new Uint8Array(readFileSync(join(folder, name))));
}

/** @returns the path */
export function keep(folder: string, input: Uint8Array): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, nameOf(input));
  writeFileSync(path, input);
  return path;
}
