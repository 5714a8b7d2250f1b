// troupe completion bash | zsh | fish: a script for the shell, made from the command tree
// =============================================================================

import type { Command } from 'commander';
import { parseWord } from '../argument.js';
import type { Keep } from '../invocation.js';

const shells = ['bash', 'zsh', 'fish'] as const;

/** Words that may follow `path`: subcommands and flags. */
interface Node {
  readonly path: string;
  readonly words: readonly string[];
}

export function registerCompletion(program: Command, keep: Keep): void {
  program
    .command('completion')
    .description('a completion script for your shell, e.g. source <(troupe completion bash)')
    .argument('<shell>', shells.join(', '))
    .action((text: string) => {
      const shell = parseWord('the shell', shells, text);
      keep(({ output }) => {
        output.data(completionScript(shell, nodesOf(program)));
        return Promise.resolve(undefined);
      });
    });
}

function nodesOf(program: Command): Node[] {
  const globals = flagsOf(program);
  const nodes: Node[] = [{ path: '', words: [...program.commands.map((command) => command.name()), ...globals] }];
  const walk = (command: Command, path: string): void => {
    const children = command.commands.map((child) => child.name());
    nodes.push({ path, words: [...children, ...flagsOf(command), ...globals] });
    for (const child of command.commands) walk(child, `${path} ${child.name()}`);
  };
  for (const command of program.commands) walk(command, command.name());
  return nodes;
}

function flagsOf(command: Command): string[] {
  return command.options.flatMap((option) => (option.long == null ? [] : [option.long]));
}

export function completionScript(shell: (typeof shells)[number], nodes: readonly Node[]): string {
  if (shell === 'fish') return fish(nodes);
  const cases = nodes.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`).join('\n');
  const body = [
    '_troupe() {',
    '  local current path words word',
    '  current="${COMP_WORDS[COMP_CWORD]}"',
    '  path=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "$word" in -*) ;; *) path="${path:+$path }$word" ;; esac',
    '  done',
    '  while :; do',
    '    words=""',
    '    case "$path" in',
    cases.replaceAll('\n', '\n  ').replace(/^/, '  '),
    '    esac',
    '    [ -n "$words" ] || [ -z "$path" ] && break',
    '    case "$path" in *" "*) path="${path% *}" ;; *) path="" ;; esac',
    '  done',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -F _troupe troupe',
  ];
  if (shell === 'bash') return body.join('\n');
  return ['autoload -U +X bashcompinit && bashcompinit', ...body].join('\n');
}

function fish(nodes: readonly Node[]): string {
  return nodes
    .map(({ path, words }) => {
      const seen = path.split(' ').filter((word) => word !== '');
      const condition =
        seen.length === 0
          ? '__fish_use_subcommand'
          : seen.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
      return `complete -c troupe -f -n '${condition}' -a '${words.join(' ')}'`;
    })
    .join('\n');
}
