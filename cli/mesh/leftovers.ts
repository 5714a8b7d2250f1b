// What a supervisor that was killed leaves behind
// =============================================================================
//
// Its hosts end by themselves, since their standard input ends with it. Its nats-server does not; it is ended here, if the process of that
// id is still the one that was started.

import { existsSync } from 'node:fs';
import { DirectoryLockedError, lockDirectory } from '../../runtime/storage/directory-lock.js';
import { type ProcessIdentity, stateOf } from '../../runtime/storage/process-identity.js';
import { CliError } from '../cli-error.js';
import { isRunning, type MeshFile, type MeshPaths, readMeshFile, removeMeshFile } from './mesh-file.js';

const deadlineMs = 30_000;
const lookMs = 50;

/**
 * Ends what is left of a mesh whose supervisor is gone, and waits until its hosts' directories are free.
 * @param hosts their names
 * @throws CliError when something does not end
 */
export async function endLeftovers(paths: MeshPaths, hosts: readonly string[]): Promise<void> {
  const mesh = readMeshFile(paths);
  if (mesh !== undefined && !isRunning(mesh)) {
    await endNatsServer(mesh);
    removeMeshFile(paths);
  }
  const deadline = Date.now() + deadlineMs;
  for (const host of hosts) {
    while (true) {
      const holder = holderOf(paths.host(host));
      if (holder === undefined) break;
      if (Date.now() > deadline)
        throw new CliError('IN_USE', holder.message, 'end that process first', { cause: holder });
      await pause();
    }
  }
}

/** Waits until a process has ended. @returns whether it did */
export async function untilEnded(one: ProcessIdentity, waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs;
  while (stateOf(one) === 'running') {
    if (Date.now() > deadline) return false;
    await pause();
  }
  return true;
}

async function endNatsServer({ natsServer }: MeshFile): Promise<void> {
  if (natsServer === undefined || stateOf(natsServer) !== 'running') return;
  process.kill(natsServer.pid, 'SIGTERM');
  if (await untilEnded(natsServer, deadlineMs)) return;
  throw new CliError('IN_USE', `nats-server (process ${natsServer.pid}) does not end`, 'end that process first');
}

/** Says who uses the directory, or undefined when nobody does. */
function holderOf(directory: string): DirectoryLockedError | undefined {
  if (!existsSync(directory)) return undefined;
  try {
    lockDirectory(directory).release();
    return undefined;
  } catch (error) {
    if (error instanceof DirectoryLockedError) return error;
    throw error;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, lookMs));
}
