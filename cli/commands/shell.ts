// troupe shell: PUT, GET, DELETE, QUIT at a prompt
// =============================================================================
//
// The prompt and the answers are those of the small TCP store that Troupe grew from. Without a terminal it reads lines and answers
// them, so a transcript can be piped in.

import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { connect as connectTo, type Database, TroupeError } from '../../messaging/client/index.js';
import { parseCount, parseKey, parseValue } from '../argument.js';
import { exitCodes } from '../exit-codes.js';
import type { Keep } from '../invocation.js';
import { parseShellLine, shellHelp } from '../shell-command.js';
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
    terminal: process.stdin.isTTY === true,
    historySize: 1000,
  });
  const close = (): void => lines.close();
  signal.addEventListener('abort', close, { once: true });
  lines.on('SIGINT', close);
  try {
    lines.prompt();
    for await (const line of lines) {
      // Piped input is not echoed by anybody: a transcript then shows what was asked.
      if (process.stdin.isTTY !== true) process.stdout.write(`${line}\n`);
      const answer = await answerTo(db, table, line);
      if (answer === undefined) return exitCodes.ok;
      for (const text of answer) process.stdout.write(`${text}\n`);
      lines.prompt();
    }
    if (process.stdin.isTTY === true) process.stdout.write('\n');
    return exitCodes.ok;
  } finally {
    signal.removeEventListener('abort', close);
    lines.close();
  }
}

/** The lines to print, or undefined to leave. An error is an answer, too: the conversation goes on. */
async function answerTo(db: Database, table: string, line: string): Promise<readonly string[] | undefined> {
  const command = parseShellLine(line);
  const items = db.table(table);
  try {
    switch (command.kind) {
      case 'nothing':
        return [];
      case 'quit':
        return undefined;
      case 'help':
        return shellHelp;
      case 'mistake':
        return [`Error: ${command.message}`];
      case 'put':
        await items.put(parseKey(command.key), parseValue(command.value) as never);
        return ['Response: OK'];
      case 'get': {
        const entry = await items.entry(parseKey(command.key));
        return [entry === undefined ? `Error: no value for ${command.key}` : `Value: ${plain(entry.value)}`];
      }
      case 'delete':
        await items.delete(parseKey(command.key));
        return ['Response: OK'];
      case 'range': {
        const page = await items.page({
          limit: 100,
          ...(command.prefix === undefined ? {} : { prefix: parseKey(command.prefix) }),
        });
        const shown = page.entries.map((entry) => `${plain(entry.key as never)}  ${plain(entry.value)}`);
        return page.cursor === undefined ? shown : [...shown, '…'];
      }
    }
  } catch (error) {
    if (error instanceof TroupeError || error instanceof TypeError)
      return [`Error: ${error instanceof TroupeError ? `${error.code}: ` : ''}${error.message}`];
    throw error;
  }
}
