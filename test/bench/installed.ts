// What is installed here: programs, client packages, and their versions
// =============================================================================

import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const otherFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/sbin', '/opt/homebrew/bin'];

function canBeRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // the next folder is looked at
  }
}

/** On PATH or in the usual sbin folders, which are not on everybody's PATH. @param name of a program, or its file */
export function findProgram(name: string): string | undefined {
  if (isAbsolute(name)) return canBeRun(name) ? name : undefined;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((one) => one !== ''), ...otherFolders];
  return folders.map((folder) => join(folder, name)).find(canBeRun);
}

/** REQUIRES that it is installed. */
export function program(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

/** The first thing like a version in what the program says of itself. */
export async function programVersion(name: string): Promise<string> {
  const { stdout, stderr } = await run(program(name), ['--version'], { timeout: 10_000 });
  return /\d+\.\d+[\w.+-]*/.exec(stdout + stderr)?.[0] ?? 'unknown';
}

/** Undefined when the package is not there. */
export function packageVersion(name: string): string | undefined {
  try {
    // Not `name/package.json`: many packages do not export it.
    let folder = dirname(createRequire(import.meta.url).resolve(name));
    for (; folder !== dirname(folder); folder = dirname(folder)) {
      const file = join(folder, 'package.json');
      if (!isReadable(file)) continue;
      const found = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
      if (found.name === name) return found.version ?? 'unknown';
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
  }
  return undefined;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false; // a folder without one: the package's root is further up
  }
}
