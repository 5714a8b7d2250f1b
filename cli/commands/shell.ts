// troupe shell: PUT, GET, DELETE, QUIT at a prompt
// =============================================================================
//
// The prompt and the answers are those of the small TCP store that Troupe grew from. Without a terminal it reads lines and answers
// them, so a transcript can be piped in.

import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { connect as connectTo, type Database, type Table, TroupeError } from '../../messaging/client/index.js';
import { parseCount, parseKey, parseValue } from '../argument.js';
import { CliError } from '../cli-error.js';
import { exitCodes } from '../exit-codes.js';
import type { Keep } from '../invocation.js';
import { parseShellLine, type ShellCommand, shellHelp } from '../shell-command.js';
import { plain } from './get.js';

const prompt = '> ';

export function registerShell(program: Command, keep: Keep): void {
  program
    .command('shell')
    .description('an interactive prompt: PUT, GET, DELETE, QUIT')
    .argument('[host]', 'where NATS is; else as for every command')
    .argument('[port]', 'its port', '4222')
    .option('-t, --table <name>', 'the table', 'default')
    .action((host: string | undefined, portText: string, options: { table: string }) => {
      const port = parseCount('the port', portText, 1, 65_535);
      keep(async ({ connect, options: global, signal }) => {
        if (host === undefined) return converse(await connect(), options.table, signal);
        const cluster = global.cluster === undefined ? {} : { cluster: global.cluster };
        const db = await connectTo({ servers: `nats://${host}:${port}`, signal, ...cluster });
        try {
          return await converse(db, options.table, signal);
        } finally {
          await db.close();
        }
      });
    });
}

async function converse(db: Database, table: string, signal: AbortSignal): Promise<number> {
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt,
    terminal: process.stdin.isTTY,
    historySize: 1000,
  });
  let isInterrupted = false;
  const interrupt = (): void => {
    isInterrupted = true;
    lines.close();
  };
  signal.addEventListener('abort', interrupt, { once: true });
  lines.on('SIGINT', interrupt);
  try {
    lines.prompt();
    for await (const line of lines) {
      // Piped input is not echoed by anybody: a transcript then shows what was asked.
      if (!process.stdin.isTTY) process.stdout.write(`${line}\n`);
      const command = parseShellLine(line);
      if (command.kind === 'quit') return exitCodes.ok;
      for (const text of await answerTo(db, table, command)) process.stdout.write(`${text}\n`);
      lines.prompt();
    }
    if (process.stdin.isTTY) process.stdout.write('\n');
    return isInterrupted ? exitCodes.interrupted : exitCodes.ok;
  } finally {
    signal.removeEventListener('abort', interrupt);
    lines.close();
  }
}

/** An error is an answer, too: the conversation goes on. */
async function answerTo(
  db: Database,
  table: string,
  command: Exclude<ShellCommand, { kind: 'quit' }>,
): Promise<readonly string[]> {
  if (command.kind === 'nothing') return [];
  if (command.kind === 'help') return shellHelp;
  if (command.kind === 'mistake') return [`Error: ${command.message}`];
  try {
    const items = db.table(table);
    if (command.kind === 'range') return await rangeLines(items, command.prefix);
    const key = parseKey(command.key);
    if (command.kind === 'get') {
      const entry = await items.entry(key);
      return [entry === undefined ? `Error: no value for ${command.key}` : `Value: ${plain(entry.value)}`];
    }
    await (command.kind === 'put' ? items.put(key, parseValue(command.value)) : items.delete(key));
    return ['Response: OK'];
  } catch (error) {
    if (error instanceof TroupeError) return [`Error: ${error.code}: ${error.message}`];
    if (error instanceof CliError || error instanceof TypeError) return [`Error: ${error.message}`];
    throw error;
  }
}

async function rangeLines(items: Table, prefix: string | undefined): Promise<string[]> {
  const page = await items.page({ limit: 100, ...(prefix === undefined ? {} : { prefix: parseKey(prefix) }) });
  const shown = page.entries.map((entry) => `${plain(entry.key)}  ${plain(entry.value)}`);
  return page.cursor === undefined ? shown : [...shown, '…'];
}
