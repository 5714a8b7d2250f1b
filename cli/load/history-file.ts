// A history in a file
// =============================================================================

import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { Entry } from '../../messaging/workload/history.js';
import { entryLine, historyHeader } from '../../messaging/workload/history-lines.js';
import { CliError } from '../cli-error.js';

/** @param note about the load as a whole @throws CliError */
export async function saveHistory(
  path: string,
  entries: readonly Entry[],
  note: Readonly<Record<string, unknown>>,
): Promise<void> {
  const stream = createWriteStream(path);
  const done = finished(stream);
  try {
    stream.write(`${historyHeader(note)}\n`);
    for (const entry of entries)
      if (!stream.write(`${entryLine(entry)}\n`)) await Promise.race([once(stream, 'drain'), done]);
    stream.end();
    await done;
  } catch (cause) {
    await done.catch(() => undefined); // the same error
    throw new CliError(
      'FAILURE',
      `the history could not be written: ${(cause as Error).message}`,
      'name another --history',
      {
        cause,
      },
    );
  }
}
