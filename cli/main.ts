// The command's entry: parse, run, say what went wrong in one line, and with which code
// =============================================================================

import { connect, type Database, TroupeError } from '../messaging/client/index.js';
import { CliError } from './cli-error.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import type { GlobalOptions } from './invocation.js';
import { type Output, paint } from './output.js';
import { parse } from './program.js';

/** @returns the exit code (exit-codes.ts) */
export async function main(argv: readonly string[]): Promise<number> {
  let verbose = argv.includes('-v') || argv.includes('--verbose');
  let output = outputFor({ quiet: false, verbose, color: true });
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new CliError('INTERRUPTED', 'interrupted', 'run it again'));
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  process.stdout.on('error', endOnClosedPipe);
  let db: Database | undefined;
  try {
    const result = parse(argv);
    if (result.kind === 'print') {
      process.stdout.write(result.text);
      return exitCodes.ok;
    }
    const { options, action } = result.parsed;
    verbose = options.verbose;
    output = outputFor(options);
    const open = async (): Promise<Database> => {
      db ??= await connectTo(options, interrupted.signal);
      return db;
    };
    return (await action({ options, output, signal: interrupted.signal, connect: open })) ?? exitCodes.ok;
  } catch (error) {
    return report(interrupted.signal.aborted ? interrupted.signal.reason : error, output, verbose);
  } finally {
    await db?.close();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** `troupe range | head` closes the pipe: that is no error. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
}

function outputFor(options: GlobalOptions): Output {
  const quiet = options.quiet;
  return {
    format: options.output ?? 'table',
    colour: options.color && process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
    quiet,
    verbose: options.verbose,
    data: (line) => process.stdout.write(`${line}\n`),
    note: (line) => {
      if (!quiet) process.stderr.write(`${line}\n`);
    },
  };
}

/** Flags (and their environment variables) beat the nearest mesh file, which the SDK finds by itself. */
function connectTo(options: GlobalOptions, signal: AbortSignal): Promise<Database> {
  return connect({
    signal,
    ...(options.nats === undefined ? {} : { servers: options.nats }),
    ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, connectTimeout: options.timeoutMs }),
  });
}

const nextByCode: Readonly<Record<string, string>> = {
  CANNOT_CONNECT: 'is it running? `troupe up` starts a local mesh, `troupe doctor` looks closer',
  TIMEOUT: 'try again, or give it longer with --timeout',
  OUTCOME_UNKNOWN: 'the write may or may not have taken effect: read it back',
  UNAVAILABLE: '`troupe status` says what is missing',
  CONDITION_FAILED: 'read the item and decide again',
  NOT_FOUND: '`troupe table list` shows what there is',
  CAPACITY: 'try again later',
  TOO_LARGE: 'keys have at most 4 KiB, values 1 MiB',
};

function report(error: unknown, output: Output, verbose: boolean): number {
  const code = error instanceof CliError || error instanceof TroupeError ? error.code : 'FAILURE';
  const message = error instanceof Error ? error.message : String(error);
  const next =
    error instanceof CliError
      ? error.next
      : (nextByCode[code] ?? (code === 'FAILURE' ? 'run it with -v for details' : 'see `troupe help`'));
  const line = `troupe: ${code}: ${message.replaceAll('\n', ' ')}; ${next}`;
  process.stderr.write(`${process.stderr.isTTY ? paint(output, 'red', line) : line}\n`);
  if (verbose && error instanceof Error)
    process.stderr.write(
      `${error.stack ?? ''}\n${error.cause === undefined ? '' : `caused by: ${String(error.cause)}\n`}`,
    );
  return exitCodeOf(code);
}
