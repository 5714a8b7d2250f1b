// The one line that says what went wrong
// =============================================================================
//
// `troupe: CODE: what happened; what to do next`, and the exit code that goes with it (INTERFACES §2). Pure.

import { ConnectError, TroupeError } from '../messaging/client/index.js';
import { HostError, hostExitCodes } from '../runtime/threads/exit-codes.js';
import { CliError } from './cli-error.js';
import { exitCodeOf } from './exit-codes.js';

/** The transport's own advice, which is for programs. */
const ownQuestion = / Is it running\?.*$/;

export interface LastLine {
  readonly line: string;
  readonly exitCode: number;
}

const nextByCode: Readonly<Record<string, string>> = {
  CANNOT_CONNECT: 'is it running? `troupe up` starts a local mesh, `troupe doctor` looks closer',
  TIMEOUT: 'nothing was written; try again, or give it longer with --timeout',
  OUTCOME_UNKNOWN: 'it may or may not have taken effect: read it back',
  UNAVAILABLE: '`troupe status` says what is missing',
  CONDITION_FAILED: 'read the item and decide again',
  NOT_FOUND: '`troupe table list` and `troupe host list` show what there is',
  CAPACITY: 'try again later',
  THROTTLED: 'try again later',
  TOO_LARGE: 'keys have at most 4 KiB, values 1 MiB',
  INVALID_ARGUMENT: 'see `troupe help`',
  CURSOR_INVALID: 'begin again without --cursor',
  REFUSED: 'correct --data, or what it is started with',
  HOST_FAILED: 'see its log above',
  FAILURE: 'run it with -v for details',
};

const hostCodes: Readonly<Record<number, string>> = {
  [hostExitCodes.refused]: 'REFUSED',
  [hostExitCodes.unreachable]: 'CANNOT_CONNECT',
};

export function lastLineOf(error: unknown): LastLine {
  const code = codeOf(error);
  const message = (error instanceof Error ? error.message : String(error))
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/\p{Cc}/gu, escaped)
    .replace(ownQuestion, '');
  const next = error instanceof CliError ? error.next : (nextByCode[code] ?? 'see `troupe help`');
  const exitCode = error instanceof HostError ? error.exitCode : exitCodeOf(code);
  // A message of the SDK may bring its own advice.
  const isAdvised = error instanceof TroupeError && message.includes('; ');
  const line = `troupe: ${code}: ${isAdvised ? message : `${message.replace(/\.$/, '')}; ${next}`}`;
  return { line, exitCode };
}

/** What somebody typed must not move the cursor or colour the terminal. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function codeOf(error: unknown): string {
  if (error instanceof CliError) return error.code;
  if (error instanceof ConnectError) return 'CANNOT_CONNECT';
  if (error instanceof TroupeError) return error.code;
  if (error instanceof HostError) return hostCodes[error.exitCode] ?? 'HOST_FAILED';
  // The SDK's word for misuse: here, of what somebody typed. The engine's own TypeErrors are bugs.
  const isMisuse =
    error instanceof TypeError && !/^Cannot | is not (a function|iterable|defined)|^Invalid /.test(error.message);
  return isMisuse ? 'INVALID_ARGUMENT' : 'FAILURE';
}
