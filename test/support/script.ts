// Script tests: commands, `----`, and the trace they gave when somebody last looked at it
// =============================================================================
//
//   # a comment, kept as it is
//   command argument option=value
//   another command
//   ----
//   what they print, up to the first empty line
//
// REWRITE=1 writes what is printed now into the file: review the difference, and say in the commit why it changed. Blocks of one file
// share their world. A command that throws prints its error.
//
// Sources: etcd-io/raft `rafttest`, cockroachdb/datadriven.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

export interface ScriptCommand {
  readonly name: string;
  /** Words without `=`. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

/** Runs one command and gives the lines it prints. */
export type ScriptWorld = (command: ScriptCommand) => readonly string[];

type Part =
  | { readonly kind: 'text'; readonly lines: readonly string[] }
  | { readonly kind: 'block'; readonly commands: readonly string[]; readonly expected: readonly string[] };

const ruler = '----';

/** @throws TypeError for a file out of shape. */
export function parseScript(text: string): Part[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const parts: Part[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] as string;
    if (line.trim() === '' || line.startsWith('#')) {
      parts.push({ kind: 'text', lines: [line] });
      at++;
      continue;
    }
    const commands: string[] = [];
    for (; at < lines.length && lines[at] !== ruler; at++) {
      if ((lines[at] as string).trim() === '') throw new TypeError(`line ${at + 1}: ${ruler} is missing`);
      commands.push(lines[at] as string);
    }
    if (at === lines.length) throw new TypeError(`line ${at}: ${ruler} is missing`);
    const expected: string[] = [];
    for (at++; at < lines.length && lines[at] !== ''; at++) expected.push(lines[at] as string);
    parts.push({ kind: 'block', commands, expected });
  }
  return parts;
}

export function parseCommand(line: string): ScriptCommand {
  const [name = '', ...rest] = line.trim().split(/\s+/);
  const words: string[] = [];
  const options: Record<string, string> = {};
  for (const word of rest) {
    const equals = word.indexOf('=');
    if (equals > 0) options[word.slice(0, equals)] = word.slice(equals + 1);
    else words.push(word);
  }
  return { name, words, options };
}

/** The script with what it prints now. */
export function runScript(text: string, world: ScriptWorld): string {
  const lines: string[] = [];
  for (const part of parseScript(text)) {
    if (part.kind === 'text') {
      lines.push(...part.lines);
      continue;
    }
    lines.push(...part.commands, ruler);
    for (const command of part.commands) {
      if (!command.startsWith('#')) lines.push(...attempt(world, command));
    }
  }
  return `${lines.join('\n')}\n`;
}

function attempt(world: ScriptWorld, command: string): readonly string[] {
  try {
    return world(parseCommand(command));
  } catch (error) {
    return [`! ${(error as Error).message}`];
  }
}

/** One mocha test for each `.txt` file of the folder; `makeWorld` gives each its own world. */
export function describeScripts(title: string, folder: string, makeWorld: () => ScriptWorld): void {
  describe(title, () => {
    for (const name of readdirSync(folder).sort((a, b) => (a < b ? -1 : 1))) {
      if (!name.endsWith('.txt')) continue;
      const path = join(folder, name);
      const text = readFileSync(path, 'utf8');
      const headline = /^# (.*)$/m.exec(text)?.[1] ?? '';
      it(`${name}: ${headline}`, () => {
        const printed = runScript(text, makeWorld());
        if (process.env['REWRITE'] === '1') writeFileSync(path, printed);
        else expect(printed).to.equal(text);
      });
    }
  });
}
