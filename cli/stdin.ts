// Standard input as one text
// =============================================================================

import { addAbortSignal, type Readable } from 'node:stream';
import { CliError } from './cli-error.js';

const bytesMax = 16 * 1024 * 1024;

/** Everything up to its end, as UTF-8, a last newline taken off. @throws CliError beyond 16 MiB or when interrupted. */
export async function readAll(stream: Readable, signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  addAbortSignal(signal, stream);
  for await (const part of stream) {
    const bytes = Buffer.from(part);
    length += bytes.length;
    if (length > bytesMax)
      throw new CliError('TOO_LARGE', 'more than 16 MiB on standard input', 'values have at most 1 MiB');
    parts.push(bytes);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch (cause) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'standard input is no valid UTF-8',
      'bytes go through the SDK, as a Uint8Array',
      { cause },
    );
  }
  return text.replace(/\r?\n$/, '');
}
