// Standard input as one text
// =============================================================================

import { CliError } from './cli-error.js';

const bytesMax = 16 * 1024 * 1024;

/** Everything up to its end, as UTF-8, a last newline taken off. @throws CliError beyond 16 MiB or when interrupted. */
export async function readAll(stream: NodeJS.ReadableStream, signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    if (signal.aborted) throw new CliError('INTERRUPTED', 'interrupted', 'try again');
    const bytes = Buffer.from(part);
    length += bytes.length;
    if (length > bytesMax)
      throw new CliError('TOO_LARGE', 'more than 16 MiB on standard input', 'values have at most 1 MiB');
    parts.push(bytes);
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
