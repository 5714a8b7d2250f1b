// The command tree: what is understood, what is refused, and with which words
// =============================================================================

import { expect } from 'chai';
import type { Command } from 'commander';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { CliError } from '../../../cli/cli-error.js';
import { completionScript } from '../../../cli/commands/completion.js';
import { loadAllCommands } from '../../../cli/command-catalogue.js';
import type { GlobalOptions } from '../../../cli/invocation.js';
import { buildProgram, parse, understand } from '../../../cli/program.js';

const all = await loadAllCommands();

function run(...words: string[]): GlobalOptions {
  const result = parse(words, {}, all);
  if (result.kind !== 'run') throw new Error(`printed: ${result.text}`);
  return result.parsed.options;
}

function printed(...words: string[]): string {
  const result = parse(words, {}, all);
  if (result.kind !== 'print') throw new Error('ran');
  return result.text;
}

function refused(words: string[], env: Record<string, string> = {}): CliError {
  try {
    parse(words, env, all);
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error('it was understood');
}

/** Each command with the least that it takes. */
const complete: Readonly<Record<string, readonly string[]>> = {
  put: ['k', 'v'],
  get: ['k'],
  del: ['k'],
  where: ['k'],
  serve: ['--name', 'h1', '--data', 'd'],
  completion: ['bash'],
  'host drain': ['h1'],
  'host remove': ['h1', '--yes'],
  'host restart': ['h1'],
  'table create': ['t'],
  'table describe': ['t'],
  'table delete': ['t', '--yes'],
};

function leavesOf(command: Command, path: readonly string[] = []): string[] {
  return command.commands.length === 0
    ? [path.join(' ')]
    : command.commands.flatMap((child) => leavesOf(child, [...path, child.name()]));
}

describe('cli program', () => {
  const program = buildProgram(() => undefined, all);
  const leaves = leavesOf(program);

  it('has the commands of the contract', () => {
    const bare = 'up,down,serve,status,wait,put,get,del,range,where,shell,version,completion,doctor,sim';
    const nouns = 'host list,host drain,host remove,host restart,metadata status,table create,table list';
    expect(leaves).to.include.members(`${bare},${nouns},table describe,table delete`.split(','));
  });

  it('every command takes the global options, before it and behind it', () => {
    for (const leaf of leaves) {
      const words = [...leaf.split(' '), ...(complete[leaf] ?? [])];
      expect(run(...words, '-o', 'json', '--timeout', '3s', '-q', '--no-color'), leaf).to.include({
        output: 'json',
        timeoutMs: 3000,
        quiet: true,
        color: false,
      });
      expect(run('-o', 'jsonl', '--nats', 'nats://x:1', ...words), leaf).to.include({
        output: 'jsonl',
        nats: 'nats://x:1',
      });
    }
  });

  it('every command has help, by flag and by name', () => {
    for (const leaf of leaves) {
      const words = leaf.split(' ');
      expect(printed(...words, '--help')).to.include(`Usage: troupe ${leaf}`);
      expect(printed(...words.slice(0, -1), 'help', words.at(-1) as string)).to.include(`Usage: troupe ${leaf}`);
    }
  });

  it('alone prints help, and so does a noun without its verb', () => {
    expect(printed()).to.include('Usage: troupe').and.include('put').and.include('TROUPE_FOO_BAR');
    expect(printed('table')).to.include('Usage: troupe table');
    expect(printed('--version')).to.match(/^\d+\.\d+\.\d+/);
  });

  it('unknown commands and flags are one line, and name the help that fits', () => {
    const cases: [string[], string, string][] = [
      [['foo'], "unknown command 'foo'", 'see `troupe help`'],
      [['gte', 'k'], "unknown command 'gte' (Did you mean get?)", 'see `troupe help`'],
      [['put', 'k', 'v', '--nope'], "unknown option '--nope'", 'see `troupe help put`'],
      [['put', 'k'], "missing required argument 'value'", 'see `troupe help put`'],
      [['table', 'create'], "missing required argument 'name'", 'see `troupe table help create`'],
      [['get', 'k', 'extra'], 'too many arguments', 'see `troupe help get`'],
      [['status', '-o', 'xml'], '--output is one of table, json, jsonl, not xml', 'see `troupe help status`'],
      [['up', '--hosts', '0'], '--hosts takes a whole number from 1 to 16, not 0', 'see `troupe help up`'],
    ];
    for (const [words, message, next] of cases) {
      const error = refused(words);
      expect(error.code).to.equal('USAGE');
      expect(error.message).to.include(message);
      expect(error.message).not.to.include('\n');
      expect(error.next).to.equal(next);
    }
  });

  it('what cannot be undone wants --yes', () => {
    expect(refused(['table', 'delete', 't']).next).to.include('--yes');
    expect(refused(['host', 'remove', 'h1']).next).to.include('--yes');
  });

  it('every flag is also an environment variable; the flag wins', () => {
    const env = { TROUPE_OUTPUT: 'json', TROUPE_TIMEOUT: '5s', TROUPE_NATS: 'nats://env:1', TROUPE_NO_COLOR: '1' };
    const fromEnvironment = parse(['status'], env, all);
    const fromFlag = parse(['status', '-o', 'table', '--nats', 'nats://flag:1'], env, all);
    if (fromEnvironment.kind !== 'run' || fromFlag.kind !== 'run') throw new Error('printed');
    expect(fromEnvironment.parsed.options).to.include({
      output: 'json',
      timeoutMs: 5000,
      nats: 'nats://env:1',
      color: false,
    });
    expect(fromFlag.parsed.options).to.include({ output: 'table', nats: 'nats://flag:1', timeoutMs: 5000 });
  });

  it('a flag without a value is taken from the environment only when it says yes', () => {
    const quiet = (text: string): boolean => {
      const result = parse(['status'], { TROUPE_QUIET: text }, all);
      return result.kind === 'run' && result.parsed.options.quiet;
    };
    for (const text of ['1', 'true', 'yes', 'on']) expect(quiet(text), text).to.equal(true);
    for (const text of ['0', 'false', 'no', 'off', '']) expect(quiet(text), text).to.equal(false);
    expect(refused(['status'], { TROUPE_QUIET: 'perhaps' }).message).to.include('TROUPE_QUIET');
  });

  it('numbers below zero are values, not flags', () => {
    expect(() => run('put', 'n', '-5')).not.to.throw();
  });

  it('whatever is typed is understood, printed or refused with one line', () => {
    const word = fc.oneof(
      fc.constantFrom(...leaves.flatMap((leaf) => leaf.split(' ')), '-o', '--hosts', '-'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (words) => {
        try {
          parse(words, {}, all);
        } catch (error) {
          expect(error, JSON.stringify(words)).to.be.instanceOf(CliError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('with only the commands loaded that the words name, all is understood as with every command', async () => {
    const outcomeOf = async (
      understood: () => ReturnType<typeof parse> | Promise<ReturnType<typeof parse>>,
    ): Promise<unknown> => {
      try {
        const result = await understood();
        return result.kind === 'print' ? result.text : result.parsed.options;
      } catch (error) {
        if (error instanceof CliError) return [error.message, error.next];
        throw error;
      }
    };
    const word = fc.oneof(
      fc.constantFrom(...leaves.flatMap((leaf) => leaf.split(' ')), '-o', 'json', '--help', 'help', '--yes', 'putt'),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (words) => {
        expect(await outcomeOf(() => understand(words, {}))).to.deep.equal(
          await outcomeOf(() => parse(words, {}, all)),
        );
      }),
      {
        numRuns: 300,
        examples: [
          [['--help', 'get']],
          [['-o', 'get', '--help']],
          [['-o', 'get']],
          [['putt', 'get']],
          [['--nats', 'get']],
          [['--version', 'get']],
          [['help', 'get']],
          [['completion', 'bash']],
        ],
      },
    );
  });

  it('the completion script of bash is one that bash understands, and knows the commands', () => {
    const script = completionScript('bash', [
      { path: '', words: ['put', 'table'] },
      { path: 'table', words: ['create', 'list'] },
    ]);
    execFileSync('bash', ['-n'], { input: script });
    const complete = (line: string): string => {
      const words = line.split(' ');
      const quoted = ['troupe', ...words].map((one) => `'${one}'`).join(' ');
      const ask = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _troupe; echo "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', ask], { encoding: 'utf8' }).trim();
    };
    expect(complete('p')).to.equal('put');
    expect(complete('table cr')).to.equal('create');
    expect(complete('table ')).to.equal('create list');
  });

  it('has a completion script for zsh and fish, too', () => {
    const nodes = [{ path: 'put', words: ['--table'] }];
    expect(completionScript('zsh', nodes)).to.include('bashcompinit');
    expect(completionScript('fish', nodes)).to.include('complete -c troupe');
  });
});
