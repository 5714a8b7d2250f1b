// What a line of the interactive shell asks for
// =============================================================================
//
// Pure. Words are in any case; a value is the rest of its line, JSON when it parses as JSON.

export type ShellCommand =
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'range'; readonly prefix: string | undefined }
  | { readonly kind: 'help' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'mistake'; readonly message: string };

export const shellHelp: readonly string[] = [
  'PUT <key> <value>    write an item; the value is JSON when it parses as JSON',
  'GET <key>            read an item',
  'DELETE <key>         remove an item',
  'RANGE [prefix]       list up to 100 items in key order',
  'QUIT                 leave',
];

export function parseShellLine(line: string): ShellCommand {
  const trimmed = line.trim();
  if (trimmed === '') return { kind: 'nothing' };
  const match = /^(\S+)(?:\s+(\S+))?(?:\s+(.*))?$/s.exec(trimmed);
  const [, word = '', key, value] = match ?? [];
  switch (word.toUpperCase()) {
    case 'PUT':
      if (key === undefined || value === undefined) return { kind: 'mistake', message: 'PUT takes a key and a value' };
      return { kind: 'put', key, value };
    case 'GET':
      if (key === undefined || value !== undefined) return { kind: 'mistake', message: 'GET takes a key' };
      return { kind: 'get', key };
    case 'DELETE':
    case 'DEL':
      if (key === undefined || value !== undefined) return { kind: 'mistake', message: 'DELETE takes a key' };
      return { kind: 'delete', key };
    case 'RANGE':
      if (value !== undefined) return { kind: 'mistake', message: 'RANGE takes a prefix or nothing' };
      return { kind: 'range', prefix: key };
    case 'HELP':
      return { kind: 'help' };
    case 'QUIT':
    case 'EXIT':
      return { kind: 'quit' };
    default:
      return { kind: 'mistake', message: `there is no command ${word}; HELP lists them` };
  }
}
