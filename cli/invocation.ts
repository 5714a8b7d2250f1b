// What every command gets
// =============================================================================

import type { Database } from '../messaging/client/index.js';
import type { Output, OutputFormat } from './output.js';

export interface GlobalOptions {
  readonly output?: OutputFormat;
  readonly nats?: string;
  readonly cluster?: string;
  /** Milliseconds; undefined = the SDK's default. */
  readonly timeoutMs?: number;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

export interface Invocation {
  readonly options: GlobalOptions;
  readonly output: Output;
  /** Ends when the person interrupts (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
  /** The cluster that the options, the environment or the nearest mesh file name. Closed when the command is over. @throws CliError */
  readonly connect: () => Promise<Database>;
  /** From now on a closed pipe behind stdout or stderr is no reason to end: for commands that run for long. */
  readonly outliveReader: () => void;
}

/** A parsed command line: what to do, once somebody gives it the world. @returns the exit code, 0 when nothing. */
export type Action = (invocation: Invocation) => Promise<number | undefined>;

/** Registered by a command file: commander parses, and the action is kept instead of being run. */
export type Keep = (action: Action) => void;
