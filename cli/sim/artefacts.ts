// Replay files on disk
// =============================================================================

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DataError } from '../../actors/simulated/checked-data.js';
import { formatReplayFile, parseReplayFile, type ReplayFile } from '../../actors/simulated/replay-file.js';
import { usage } from '../cli-error.js';

export const defaultFolder = '.troupe/sim';

const next = 'see `troupe help sim`';

/** Writes it into the folder, which is made when it is not there. @returns the path, short where it can be */
export function writeReplayFile(folder: string, name: string, replay: ReplayFile): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  // The command inside names the file.
  writeFileSync(path, formatReplayFile({ ...replay, command: `npx troupe sim --replay ${shortPath(path)}` }));
  return shortPath(path);
}

function shortPath(path: string): string {
  const below = relative(process.cwd(), path);
  return below.startsWith('..') ? path : below;
}

/** @throws CliError of code USAGE: one line that says what is wrong with it */
export function readReplayFile(path: string): ReplayFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const meaning =
      { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'it may not be read' }[why] ?? why;
    throw usage(`--replay ${path}: ${meaning}`, next);
  }
  try {
    return parseReplayFile(text);
  } catch (error) {
    if (error instanceof DataError) throw usage(`--replay ${path}: ${error.message}`, next);
    throw error;
  }
}
