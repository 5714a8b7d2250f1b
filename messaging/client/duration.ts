// Durations: milliseconds, or '250ms' '30s' '5m' '2h'
// =============================================================================

import { TroupeError } from './errors.js';

export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * In milliseconds.
 * @throws TypeError when it is neither a number nor a string, TroupeError INVALID_ARGUMENT when it says no time
 */
export function durationMs(duration: unknown, name: string): number {
  if (typeof duration !== 'number' && typeof duration !== 'string')
    throw new TypeError(`${name} is a number of milliseconds or a string like '30s'`);
  let ms = Number.NaN;
  if (typeof duration === 'number') ms = duration;
  else {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(duration);
    if (match !== null) ms = Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN);
  }
  if (!Number.isFinite(ms) || ms < 0)
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `${name} is no duration: ${duration}; write milliseconds, or '250ms', '30s', '5m', '2h'`,
    );
  return ms;
}
