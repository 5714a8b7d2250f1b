// The command's entry: parse, run, say what went wrong in one line, and with which code
// =============================================================================

import { dirname } from 'node:path';
import { connect, ConnectError, type Database } from '../messaging/client/index.js';
import { findMeshFile } from '../messaging/client/mesh-file.js';
import { CliError } from './cli-error.js';
import { exitCodes } from './exit-codes.js';
import type { GlobalOptions } from './invocation.js';
import { isRunning, meshPaths, readMeshFile } from './mesh/mesh-file.js';
import type { Output } from './output.js';
import { understand } from './program.js';
import { lastLineOf } from './report-error.js';

/** @returns the exit code (exit-codes.ts) */
export async function main(argv: readonly string[]): Promise<number> {
  let verbose = argv.includes('-v') || argv.includes('--verbose');
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new CliError('INTERRUPTED', 'interrupted', 'run it again'));
  for (const signal of interruptSignals) process.on(signal, interrupt);
  let outlives = false;
  const onBrokenPipe = (error: NodeJS.ErrnoException): void => {
    // `troupe range | head` closes the pipe: that is no error.
    if (!outlives && error.code === 'EPIPE') process.exit(exitCodes.ok);
  };
  process.stdout.on('error', onBrokenPipe);
  process.stderr.on('error', onBrokenPipe);
  let db: Database | undefined;
  try {
    const result = await understand(argv, process.env);
    if (result.kind === 'print') {
      process.stdout.write(result.text);
      return exitCodes.ok;
    }
    const { options, action } = result.parsed;
    verbose = options.verbose;
    const invocation = {
      options,
      output: outputFor(options),
      signal: interrupted.signal,
      connect: async (): Promise<Database> => {
        db ??= await connectTo(options, interrupted.signal);
        return db;
      },
      outliveReader: (): void => {
        outlives = true;
      },
    };
    return (await action(invocation)) ?? exitCodes.ok;
  } catch (error) {
    return report(interrupted.signal.aborted ? interrupted.signal.reason : error, verbose);
  } finally {
    await db?.close();
    for (const signal of interruptSignals) process.off(signal, interrupt);
  }
}

const interruptSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function outputFor(options: GlobalOptions): Output {
  const quiet = options.quiet;
  return {
    format: options.output ?? 'table',
    colour: options.color && process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    quiet,
    verbose: options.verbose,
    data: (line) => process.stdout.write(`${line}\n`),
    note: (line) => {
      if (!quiet) process.stderr.write(`${line}\n`);
    },
  };
}

/** Flags (and their environment variables) beat the nearest mesh file. @throws CliError CANNOT_CONNECT, TroupeError */
async function connectTo(options: GlobalOptions, signal: AbortSignal): Promise<Database> {
  const gone = options.nats === undefined ? goneMesh() : undefined;
  const connectTimeout = gone === undefined ? options.timeoutMs : goneTimeoutMs;
  try {
    return await connect({
      signal,
      ...(options.nats === undefined ? {} : { servers: options.nats }),
      ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
      ...(connectTimeout === undefined ? {} : { connectTimeout }),
    });
  } catch (cause) {
    if (gone === undefined || !(cause instanceof ConnectError)) throw cause;
    throw new CliError('CANNOT_CONNECT', `the mesh in ${gone} is not running`, '`troupe up` starts it', { cause });
  }
}

/** For a mesh whose supervisor is gone: perhaps it can be reached all the same. */
const goneTimeoutMs = 1000;

/** The folder of the nearest mesh, if its supervisor is gone. */
function goneMesh(): string | undefined {
  const found = findMeshFile(process.cwd());
  if (found === undefined) return undefined;
  const paths = meshPaths(dirname(found.path));
  const mesh = readMeshFile(paths);
  return mesh === undefined || isRunning(mesh) ? undefined : paths.root;
}

function report(error: unknown, verbose: boolean): number {
  const { line, exitCode } = lastLineOf(error);
  const isColoured = process.stderr.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  process.stderr.write(isColoured ? `\u001b[31m${line}\u001b[0m\n` : `${line}\n`);
  if (verbose && error instanceof Error)
    process.stderr.write(
      `${error.stack ?? ''}\n${error.cause instanceof Error ? `caused by: ${error.cause.stack ?? String(error.cause)}\n` : ''}`,
    );
  return exitCode;
}
