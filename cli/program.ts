// The command tree
// =============================================================================
//
// `parse` is pure: it gives the action that the words ask for, or throws. Every flag `--foo-bar` is also TROUPE_FOO_BAR; a flag beats the
// environment, which beats the default. Of a flag without a value, 1, true, yes and on count, and 0, false, no, off and nothing do not.

import { Command, CommanderError, Option } from 'commander';
import { parseDurationMs, parseWord } from './argument.js';
import { CliError, seeHelp, usage } from './cli-error.js';
import { loadAllCommands, loadCommandsIn, type Register } from './command-catalogue.js';
import type { Action, GlobalOptions, Keep } from './invocation.js';
import { outputFormats } from './output.js';
import { troupeVersion } from './troupe-version.js';

export interface Parsed {
  readonly options: GlobalOptions;
  readonly action: Action;
}

/** `text`: what help or version asked to print. */
export type ParseResult =
  | { readonly kind: 'run'; readonly parsed: Parsed }
  | { readonly kind: 'print'; readonly text: string };

const helpFooter = `
Commands find the cluster by --nats, TROUPE_NATS, or the nearest .troupe/mesh.json upward, which \`troupe up\` writes.
Every flag --foo-bar is also the environment variable TROUPE_FOO_BAR. Exit codes: docs/cli.md.`;

type Environment = Readonly<Record<string, string | undefined>>;

export function buildProgram(keep: Keep, commands: readonly Register[]): Command {
  const program = new Command('troupe')
    .description('a distributed, durable, in-memory key-value store')
    .addOption(new Option('-o, --output <format>', 'table, json or jsonl'))
    .option('--nats <url>', 'where the cluster’s NATS is; else the nearest .troupe/mesh.json says')
    .option('--cluster <name>', 'the cluster’s name')
    .option('--timeout <duration>', 'total time for the command’s requests')
    .option('-q, --quiet', 'no hints', false)
    .option('-v, --verbose', 'more about errors', false)
    .option('--no-color', 'no colours')
    .version(troupeVersion(), '-V, --version', 'which Troupe this is')
    .helpCommand('help [command]', 'help for a command')
    .addHelpText('after', helpFooter)
    .showSuggestionAfterError(true)
    .enablePositionalOptions(false);
  for (const register of commands) register(program, keep);
  return program;
}

/** Flags that ask for nothing but to be shown something. */
const withoutVariable = ['version', 'help'];

function readEnvironment(command: Command, env: Environment): void {
  for (const option of command.options) {
    const flag = option.long?.slice(2);
    if (flag === undefined || withoutVariable.includes(flag)) continue;
    const name = `TROUPE_${flag.toUpperCase().replaceAll('-', '_')}`;
    const text = env[name];
    if (text === undefined || text === '') continue;
    if (option.required || option.optional) command.setOptionValueWithSource(option.attributeName(), text, 'env');
    else if (isYes(name, text)) command.setOptionValueWithSource(option.attributeName(), !option.negate, 'env');
  }
  for (const child of command.commands) readEnvironment(child, env);
}

function isYes(name: string, text: string): boolean {
  return parseWord(name, ['1', 'true', 'yes', 'on', '0', 'false', 'no', 'off'] as const, text) in yes;
}

const yes = { 1: true, true: true, yes: true, on: true };

function quietly(command: Command, write: (text: string) => void): void {
  command.exitOverride().configureOutput({ writeOut: write, writeErr: () => undefined });
  for (const child of command.commands) quietly(child, write);
}

/**
 * Loads the commands that the words name, and all of them where that does not do: for help, and to say what is wrong.
 * @param env as in process.env @throws CliError of code USAGE
 */
export async function understand(argv: readonly string[], env: Environment): Promise<ParseResult> {
  const named = await loadCommandsIn(argv);
  if (named !== undefined) {
    try {
      const result = parse(argv, env, named);
      if (result.kind === 'run') return result;
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
    }
  }
  return parse(argv, env, await loadAllCommands());
}

/** @param env as in process.env @param commands that may be meant @throws CliError of code USAGE */
export function parse(argv: readonly string[], env: Environment, commands: readonly Register[]): ParseResult {
  let action: Action | undefined;
  let printed = '';
  const program = buildProgram((kept) => {
    action = kept;
  }, commands);
  quietly(program, (text) => {
    printed += text;
  });
  try {
    readEnvironment(program, env);
    program.parse([...argv], { from: 'user' });
    if (action !== undefined) return { kind: 'run', parsed: { options: globalOptions(program.opts()), action } };
    return helpFor(program, argv);
  } catch (error) {
    if (error instanceof CliError && error.next === seeHelp) throw usage(error.message, helpOf(program, argv));
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'print', text: printed };
    if (error.code === 'commander.help') return helpFor(program, argv);
    throw usage(oneLine(error.message), helpOf(program, argv));
  }
}

/** A noun without its verb, or nothing at all: what could follow. */
function helpFor(program: Command, argv: readonly string[]): ParseResult {
  const command = commandOf(program, argv);
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return { kind: 'print', text };
}

/** The deepest command that the words name. */
function commandOf(program: Command, argv: readonly string[]): Command {
  let command = program;
  for (const word of argv) command = command.commands.find((child) => child.name() === word) ?? command;
  return command;
}

function helpOf(program: Command, argv: readonly string[]): string {
  const path: string[] = [];
  for (let at: Command | null = commandOf(program, argv); at !== null && at !== program; at = at.parent)
    path.unshift(at.name());
  // `troupe help table create` is not understood by commander, `troupe table help create` is.
  const words = path.length < 2 ? ['help', ...path] : [...path.slice(0, -1), 'help', ...path.slice(-1)];
  return `see \`troupe ${words.join(' ')}\``;
}

/** Commander's words, in the form of all our errors. */
function oneLine(message: string): string {
  const [first = '', ...rest] = message.replace(/^error: /, '').split('\n');
  return [first, ...rest.map((line) => line.trim()).filter((line) => line !== '')].join(' ').trim();
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
