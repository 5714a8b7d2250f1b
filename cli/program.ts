// The command tree
// =============================================================================
//
// Parsing is pure: `parse` gives the action that the words ask for, or throws. Every flag `--foo-bar` is also TROUPE_FOO_BAR; a flag beats the
// environment, which beats the default.

import { Command, CommanderError, Option } from 'commander';
import { parseDurationMs, parseWord } from './argument.js';
import { usage } from './cli-error.js';
import { registerCompletion } from './commands/completion.js';
import { registerDel } from './commands/del.js';
import { registerDoctor } from './commands/doctor.js';
import { registerDown } from './commands/down.js';
import { registerDrill } from './commands/drill.js';
import { registerGet } from './commands/get.js';
import { registerHost } from './commands/host.js';
import { registerMetadata } from './commands/metadata.js';
import { registerPut } from './commands/put.js';
import { registerRange } from './commands/range.js';
import { registerServe } from './commands/serve.js';
import { registerShell } from './commands/shell.js';
import { registerStatus } from './commands/status.js';
import { registerTable } from './commands/table.js';
import { registerUp } from './commands/up.js';
import { registerVersion } from './commands/version.js';
import { registerWait } from './commands/wait.js';
import { registerWhere } from './commands/where.js';
import type { Action, GlobalOptions, Keep } from './invocation.js';
import { outputFormats } from './output.js';

export interface Parsed {
  readonly options: GlobalOptions;
  readonly action: Action;
}

/** `text`: what help or version asked to print. */
export type ParseResult =
  | { readonly kind: 'run'; readonly parsed: Parsed }
  | { readonly kind: 'print'; readonly text: string };

const registrations = [
  registerUp,
  registerDown,
  registerServe,
  registerStatus,
  registerWait,
  registerHost,
  registerMetadata,
  registerTable,
  registerPut,
  registerGet,
  registerDel,
  registerRange,
  registerWhere,
  registerShell,
  registerDrill,
  registerVersion,
  registerCompletion,
  registerDoctor,
];

export function buildProgram(keep: Keep): Command {
  const program = new Command('troupe')
    .description('a distributed, durable, in-memory key-value store')
    .addOption(new Option('-o, --output <format>', 'table, json or jsonl'))
    .option('--nats <url>', 'where the cluster’s NATS is; else the nearest .troupe/mesh.json says')
    .option('--cluster <name>', 'the cluster’s name')
    .option('--timeout <duration>', 'total time for the command’s requests')
    .option('-q, --quiet', 'no hints', false)
    .option('-v, --verbose', 'more about errors', false)
    .option('--no-color', 'no colours')
    .helpCommand('help [command]', 'help for a command')
    .showSuggestionAfterError(true)
    .enablePositionalOptions(false);
  for (const register of registrations) register(program, keep);
  withEnvironment(program);
  return program;
}

/** Every flag is also an environment variable. */
function withEnvironment(command: Command): void {
  for (const option of command.options) {
    const name = option.long?.replace(/^--(no-)?/, '');
    if (name !== undefined && option.envVar === undefined && !option.negate)
      option.env(`TROUPE_${name.toUpperCase().replaceAll('-', '_')}`);
  }
  for (const child of command.commands) withEnvironment(child);
}

function quietly(command: Command, write: (text: string) => void): void {
  command.exitOverride().configureOutput({ writeOut: write, writeErr: () => undefined });
  for (const child of command.commands) quietly(child, write);
}

/** @throws CliError of code USAGE */
export function parse(argv: readonly string[]): ParseResult {
  let action: Action | undefined;
  let printed = '';
  const program = buildProgram((kept) => {
    action = kept;
  });
  quietly(program, (text) => {
    printed += text;
  });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'print', text: printed };
    if (error.code === 'commander.help') return { kind: 'print', text: program.helpInformation() };
    const [first, ...rest] = error.message.replace(/^error: /, '').split('\n');
    throw usage([first, ...rest].join(' ').trim());
  }
  if (action === undefined) return { kind: 'print', text: program.helpInformation() };
  return { kind: 'run', parsed: { options: globalOptions(program.opts()), action } };
}

function globalOptions(raw: Record<string, unknown>): GlobalOptions {
  const text = (name: string): string | undefined => raw[name] as string | undefined;
  const output = text('output');
  const timeout = text('timeout');
  const nats = text('nats');
  const cluster = text('cluster');
  return {
    ...(output === undefined ? {} : { output: parseWord('--output', outputFormats, output) }),
    ...(nats === undefined ? {} : { nats }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(timeout === undefined ? {} : { timeoutMs: parseDurationMs('--timeout', timeout) }),
    quiet: raw['quiet'] === true,
    verbose: raw['verbose'] === true,
    color: raw['color'] !== false,
  };
}
