// Which cluster an embedded directory belongs to
// =============================================================================

import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TroupeError } from '../messaging/client/errors.js';
import { isUuid } from '../runtime/std/uuid.js';

const fileName = 'embedded.json';

/** The cluster id of that directory, made on first use; a new one for memory. @throws TroupeError when the file makes no sense. */
export async function embeddedIdentity(directory: string | undefined): Promise<string> {
  if (directory === undefined) return randomUUID();
  const path = join(directory, fileName);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new TroupeError('INVALID_ARGUMENT', `${path} cannot be read`, { cause: error });
    const clusterId = randomUUID();
    await mkdir(directory, { recursive: true });
    // The rename makes it whole or absent. If it is lost in a crash, so is the data directory's own identity, written after it.
    await writeFile(`${path}.new`, `${JSON.stringify({ version: 1, clusterId })}\n`, { flush: true });
    await rename(`${path}.new`, path);
    return clusterId;
  }
  let clusterId: unknown;
  try {
    ({ clusterId } = JSON.parse(text) as { clusterId?: unknown });
  } catch {
    clusterId = undefined; // said below, in the same words as for any other nonsense
  }
  if (typeof clusterId !== 'string' || !isUuid(clusterId))
    throw new TroupeError('INVALID_ARGUMENT', `${path} is damaged; restore it or move the directory away`);
  return clusterId;
}
