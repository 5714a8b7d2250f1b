// A host's data directory before its first start
// =============================================================================

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DirectoryOwner {
  readonly clusterId: string;
  readonly host: string;
  readonly workers: number;
}

export function formatDirectory(directory: string, owner: DirectoryOwner): string {
  const diskId = randomBytes(8).toString('hex');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'disk-id'), diskId);
  writeFileSync(join(directory, 'owner.json'), JSON.stringify(owner));
  return diskId;
}

export function identityOf(directory: string): { clusterId: string; diskId: string } | undefined {
  try {
    const diskId = readFileSync(join(directory, 'disk-id'), 'utf8');
    const { clusterId } = JSON.parse(readFileSync(join(directory, 'owner.json'), 'utf8')) as DirectoryOwner;
    return { clusterId, diskId };
  } catch {
    return undefined; // interim
  }
}
