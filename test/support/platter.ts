// What a crash may leave of a disk: every legal state, not one drawn by chance
// =============================================================================
//
// A platter is what a trace of disk operations made durable, and a list of choices: what was on its way and may be there or not. Each
// choice is taken or left by itself; a state is a platter with a decision for all of them.
//
// Owns:     which states a crash may leave, and how many of them are looked at.
// Does not: carry out operations (traced-disk.ts) or know journals.
//
// Invariants
//   A1. What was synced, and named before its directory was synced, is in every state.
//   A2. An unsynced write is cut at each 512 bytes; its pieces are choices of their own, in any combination.
//   A3. With at most `statesMax` combinations all of them are given, each once; else the calm, the single and the drawn ones.
//
// Sources: ALICE (OSDI '14), abstract persistence model; CORRECTNESS §2.0, §3.10.

import type { Random } from '../../runtime/std/random.js';

export const sectorBytes = 512;

/** One durable or not yet durable effect of an operation, in the order in which they happened. */
export type TraceStep =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'remove-directory'; readonly path: string }
  | { readonly kind: 'name'; readonly directory: string; readonly changes: readonly NameChange[] }
  | { readonly kind: 'extend'; readonly file: number; readonly sizeBytes: number }
  | { readonly kind: 'write'; readonly file: number; readonly position: number; readonly bytes: Uint8Array }
  /** Covers the steps before `upTo`. */
  | { readonly kind: 'sync'; readonly file: number; readonly upTo: number }
  /** The sync failed: what it should have covered may be there or not, and no later sync will say more about it (D11). */
  | { readonly kind: 'failed-sync'; readonly file: number; readonly upTo: number }
  | { readonly kind: 'sync-directory'; readonly path: string };

export interface NameChange {
  readonly path: string;
  /** Undefined: the name goes. */
  readonly file: number | undefined;
}

/** Files by path. Arrays may be shared between states: nobody writes into them. */
export interface DiskContents {
  readonly directories: ReadonlySet<string>;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

interface Piece {
  readonly step: number;
  readonly position: number;
  /** Empty when only the size changes. */
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly forgotten: boolean;
}

interface PlatterFile {
  readonly durable: Uint8Array;
  readonly pieces: readonly Piece[];
}

interface PendingName {
  readonly directory: string;
  readonly changes: readonly NameChange[];
}

const nothing = new Uint8Array(0);

export class Platter {
  readonly #directories = new Set<string>(['']);
  readonly #files = new Map<number, PlatterFile>();
  readonly #names = new Map<string, number>();
  #pendingNames: readonly PendingName[] = [];
  #goneDirectories: readonly string[] = [];
  #stepCount = 0;
  #fileCount = 0;

  /** A disk of these contents, all durable; files are numbered from 0 in the order given. */
  static of(contents: DiskContents): Platter {
    const platter = new Platter();
    for (const directory of contents.directories) platter.#directories.add(directory);
    let number = 0;
    for (const [path, bytes] of contents.files) {
      platter.#files.set(number, { durable: bytes, pieces: [] });
      platter.#names.set(path, number++);
    }
    platter.#fileCount = number;
    return platter;
  }

  clone(): Platter {
    const copy = new Platter();
    for (const directory of this.#directories) copy.#directories.add(directory);
    for (const [number, file] of this.#files) copy.#files.set(number, file);
    for (const [path, number] of this.#names) copy.#names.set(path, number);
    copy.#pendingNames = this.#pendingNames;
    copy.#goneDirectories = this.#goneDirectories;
    copy.#stepCount = this.#stepCount;
    copy.#fileCount = this.#fileCount;
    return copy;
  }

  /** How many steps it has seen: what `upTo` of a sync counts. */
  get stepCount(): number {
    return this.#stepCount;
  }

  /** Files are numbered; the next one gets this number. */
  get fileCount(): number {
    return this.#fileCount;
  }

  apply(step: TraceStep): void {
    const number = this.#stepCount++;
    switch (step.kind) {
      case 'directory':
        this.#directories.add(step.path);
        this.#goneDirectories = this.#goneDirectories.filter((path) => path !== step.path);
        return;
      case 'remove-directory':
        this.#goneDirectories = [...this.#goneDirectories, step.path];
        return;
      case 'name':
        this.#pendingNames = [...this.#pendingNames, { directory: step.directory, changes: step.changes }];
        return;
      case 'extend':
        return this.#change(step.file, (file) => ({
          ...file,
          pieces: [...file.pieces, ...growth(step.sizeBytes, number)],
        }));
      case 'write':
        return this.#change(step.file, (file) => ({
          ...file,
          pieces: [...file.pieces, ...sectorsOf(step.position, step.bytes, number)], // A2
        }));
      case 'sync':
        return this.#change(step.file, (file) => settled(file, step.upTo));
      case 'failed-sync':
        return this.#change(step.file, (file) => ({
          ...file,
          pieces: file.pieces.map((piece) => (piece.step < step.upTo ? { ...piece, forgotten: true } : piece)),
        }));
      case 'sync-directory': {
        for (const { directory, changes } of this.#pendingNames)
          if (directory === step.path) for (const change of changes) rename(this.#names, change);
        this.#pendingNames = this.#pendingNames.filter(({ directory }) => directory !== step.path);
        return;
      }
    }
  }

  #change(number: number, change: (file: PlatterFile) => PlatterFile): void {
    this.#fileCount = Math.max(this.#fileCount, number + 1);
    this.#files.set(number, change(this.#files.get(number) ?? { durable: nothing, pieces: [] }));
  }

  /** How many decisions a state takes. */
  choiceCount(): number {
    let count = this.#pendingNames.length + this.#goneDirectories.length;
    for (const { pieces } of this.#files.values()) count += pieces.length;
    return count;
  }

  /** The state in which exactly the chosen things had happened; `isKept` is asked for 0 to `choiceCount() - 1`. A1 */
  crash(isKept: (choice: number) => boolean): DiskContents {
    let choice = 0;
    const names = new Map(this.#names);
    for (const { changes } of this.#pendingNames)
      if (isKept(choice++)) for (const change of changes) rename(names, change);
    const directories = new Set(this.#directories);
    for (const path of this.#goneDirectories) if (isKept(choice++)) directories.delete(path);
    const contents = new Map<number, Uint8Array>();
    for (const [number, { durable, pieces }] of this.#files) {
      const kept = pieces.filter(() => isKept(choice++));
      contents.set(number, kept.length === 0 ? durable : written(durable, kept));
    }
    const files = new Map<string, Uint8Array>();
    for (const [path, number] of names) {
      files.set(path, contents.get(number) ?? nothing);
      for (let at = directoryOf(path); at !== ''; at = directoryOf(at)) directories.add(at);
    }
    return { directories, files };
  }

  /** What a process sees: all of it. */
  live(): DiskContents {
    return this.crash(() => true);
  }

  /** The numbers of the files that a process sees. */
  liveNames(): ReadonlyMap<string, number> {
    const names = new Map(this.#names);
    for (const { changes } of this.#pendingNames) for (const change of changes) rename(names, change);
    return names;
  }

  /** States after a crash now. A3 */
  *states(random: Random, statesMax: number): Generator<DiskContents> {
    for (const kept of decisions(this.choiceCount(), random, statesMax))
      yield this.crash((choice) => kept[choice] === 1);
  }
}

/** Decisions for `count` choices. A3 */
export function* decisions(count: number, random: Random, max: number): Generator<Uint8Array> {
  if (count < 31 && 2 ** count <= max) {
    for (let bits = 0; bits < 2 ** count; bits++) yield Uint8Array.from({ length: count }, (_, i) => (bits >>> i) & 1);
    return;
  }
  let given = 0;
  for (const isKept of patterns(count, random)) {
    if (given++ === max) return;
    yield Uint8Array.from({ length: count }, (_, i) => (isKept(i) ? 1 : 0));
  }
}

function* patterns(count: number, random: Random): Generator<(choice: number) => boolean> {
  yield () => false;
  yield () => true;
  for (let at = 0; at < count; at++) yield (i) => i !== at;
  for (let at = 0; at < count; at++) yield (i) => i === at;
  for (let at = 1; at < count; at++) yield (i) => i < at;
  for (;;) {
    const density = random.fraction();
    yield () => random.fraction() < density;
  }
}

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function rename(names: Map<string, number>, { path, file }: NameChange): void {
  if (file === undefined) names.delete(path);
  else names.set(path, file);
}

/** A file grows in steps: a crash finds it empty, half there or whole. */
function growth(sizeBytes: number, step: number): Piece[] {
  const half = Math.floor(sizeBytes / 2 / sectorBytes) * sectorBytes;
  return [half, sizeBytes]
    .filter((end) => end > 0)
    .map((end) => ({ step, position: end, bytes: nothing, end, forgotten: false }));
}

function sectorsOf(position: number, bytes: Uint8Array, step: number): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(sectorBytes - ((position + at) % sectorBytes), bytes.length - at);
    const piece = bytes.subarray(at, at + length);
    pieces.push({ step, position: position + at, bytes: piece, end: position + at + length, forgotten: false });
    at += length;
  }
  return pieces;
}

function settled(file: PlatterFile, upTo: number): PlatterFile {
  const isCovered = (piece: Piece): boolean => piece.step < upTo && !piece.forgotten;
  return {
    durable: written(file.durable, file.pieces.filter(isCovered)),
    pieces: file.pieces.filter((piece) => !isCovered(piece)),
  };
}

function written(bytes: Uint8Array, pieces: readonly Piece[]): Uint8Array {
  const result = new Uint8Array(pieces.reduce((size, { end }) => Math.max(size, end), bytes.length));
  result.set(bytes);
  for (const piece of pieces) result.set(piece.bytes, piece.position);
  return result;
}
