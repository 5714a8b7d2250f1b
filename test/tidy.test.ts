// House rules that a machine can hold
// =============================================================================
//
// Not what the formatter or the linter do: who may import whom, what protocol code may not touch, and that every declared invariant has a
// test that names it. Each ban says what to use instead.
//
// Sources: STYLE §4.7; TigerBeetle `tidy.zig`; Pebble `lint_test.go`.

import { expect } from 'chai';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.cwd();
const rooms = ['runtime', 'messaging', 'actors', 'cli', 'ui-tui', 'test'];

interface Source {
  readonly path: string;
  readonly text: string;
  /** Without comments and string contents, line for line. */
  readonly code: string;
}

function filesBelow(folder: string, suffix: RegExp): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && suffix.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Comments, strings, templates and regular expressions blanked; good enough for words. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(
      /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\/[^\n]*/g,
      (_comment, string: string | undefined) =>
        string === undefined ? '' : string.startsWith('`') ? string.replace(/[^\n]/g, ' ') : "''",
    );
}

function sources(): Source[] {
  return rooms
    .filter((room) => existsSync(join(root, room)))
    .flatMap((room) => filesBelow(room, /\.ts$/))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, code: codeOf(text) };
    });
}

/** Rooms whose code must run the same in every world. */
const pureRooms = [
  'actors/host/',
  'actors/metadata/',
  'actors/partition/',
  'messaging/protocol/',
  'messaging/hashing/',
  'messaging/client/core/',
  'runtime/std/',
  'runtime/probes/',
  'runtime/contract/',
  'runtime/kernel/',
  'runtime/supervision/',
];

const bans: readonly {
  readonly pattern: RegExp;
  readonly instead: string;
  readonly pureOnly: boolean;
  readonly except?: RegExp;
}[] = [
  {
    pattern: /\bDate\.now\b|\bperformance\b|\bhrtime\b/,
    instead: 'use context.nowMs or the clock that you were given',
    pureOnly: true,
  },
  { pattern: /\bMath\.random\b|\bcrypto\b/, instead: 'use context.random', pureOnly: true },
  {
    pattern:
      /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b|(?<![\w.])process\.(env|on|exit|std|cwd|hrtime|nextTick|memoryUsage|uptime|platform|argv|version)/,
    instead: 'use context.timers',
    pureOnly: true,
  },
  {
    pattern: /\b(async|await|Promise)\b/,
    instead: 'completions come back as messages',
    pureOnly: true,
    except: /^runtime\/contract\/transport\.ts$/,
  },
  { pattern: /\bconsole\./, instead: 'use context.emit', pureOnly: true },
  {
    pattern: /\b(WeakRef|FinalizationRegistry|Intl)\b|\blocaleCompare\b/,
    instead: 'its result depends on the machine',
    pureOnly: true,
  },
  { pattern: /\.sort\(\)|\.toSorted\(\)/, instead: 'give sort a comparator', pureOnly: false },
  {
    pattern: new RegExp(['as an', 'y\\b|: an', 'y\\b|<an', 'y>|@ts-', 'ignore'].join('')),
    instead: 'type it',
    pureOnly: false,
  },
  { pattern: /\bcatch\s*\{\s*\}/, instead: 'say in a sentence why nothing is done', pureOnly: false },
  {
    pattern: /\bf(data)?sync(Sync)?\(/,
    instead: 'only runtime/storage syncs files',
    pureOnly: false,
    except: /^(runtime\/storage|test)\//,
  },
];

const importBans: readonly { readonly module: RegExp; readonly allowed: RegExp; readonly instead: string }[] = [
  { module: /^nats$/, allowed: /^(messaging\/transport|test)\//, instead: 'only messaging/transport knows NATS' },
  { module: /^blessed$/, allowed: /^ui-tui\/paint\.ts$/, instead: 'only ui-tui/paint.ts knows blessed' },
  {
    module: /^node:/,
    allowed:
      /^(?!actors\/(host|metadata|partition)\/|messaging\/(protocol|hashing|client\/core)\/|runtime\/(std|contract|kernel|supervision)\/)/,
    instead: 'ask the context',
  },
];

describe('tidy', () => {
  const all = sources();

  it('reads the sources', () => {
    expect(all.length).to.be.greaterThan(100);
  });

  it('imports run one way: runtime, messaging, actors, cli, test; no circles', async function () {
    this.timeout(120_000);
    const order = ['runtime', 'messaging', 'actors', '(cli|ui-tui)', 'test'];
    const forbidden = order.slice(0, -1).map((room, i) => ({
      name: `${room}-looks-down-only`,
      severity: 'error' as const,
      from: { path: `^${room}/` },
      to: { path: `^(${order.slice(i + 1).join('|')})/` },
    }));
    const result = await cruise(
      rooms.filter((room) => all.some(({ path }) => path.startsWith(`${room}/`))),
      {
        baseDir: root,
        ruleSet: {
          forbidden: [
            ...forbidden,
            {
              name: 'no-circles',
              severity: 'error',
              from: {},
              to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
            },
            {
              name: 'std-imports-nothing',
              severity: 'error',
              from: { path: '^runtime/std/' },
              to: { pathNot: '^runtime/std/' },
            },
            {
              name: 'contract-knows-std-only',
              severity: 'error',
              from: { path: '^runtime/contract/' },
              to: { pathNot: '^runtime/(std|contract)/' },
            },
            {
              name: 'commands-are-loaded-when-asked-for',
              severity: 'error',
              from: { path: '^cli/[^/]+\\.ts$' },
              to: { path: '^cli/commands/', dependencyTypesNot: ['dynamic-import'] },
            },
            {
              name: 'a-host-loads-no-harness',
              severity: 'error',
              from: { path: '^cli/commands/(serve|up|get|put)\\.ts$' },
              to: { path: '^(actors/simulated|runtime/simulation|cli/(sim|soak|drill))/', reachable: true },
            },
            { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
          ],
        },
        validate: true,
        tsPreCompilationDeps: true,
        doNotFollow: { path: 'node_modules' },
        enhancedResolveOptions: { extensionAlias: { '.js': ['.ts', '.js'] } },
      } as never,
      undefined,
    );
    const { summary } = result.output as ICruiseResult;
    expect(summary.totalCruised, 'modules seen').to.be.greaterThan(100); // with the wrong TypeScript it sees none and says all is well
    expect(summary.violations.map((one) => `${one.rule.name}: ${one.from} → ${one.to}`)).to.deep.equal([]);
  });

  it('protocol code touches no clock, chance, timer, promise or file, and nobody does what has a better way', () => {
    const found: string[] = [];
    for (const { path, code } of all) {
      const pure = pureRooms.some((room) => path.startsWith(room));
      code.split('\n').forEach((line, i) => {
        for (const ban of bans) {
          if (ban.pureOnly && !pure) continue;
          if (ban.except?.test(path)) continue;
          const match = ban.pattern.exec(line);
          if (match !== null) found.push(`${path}:${i + 1}: ${match[0]} is banned here; ${ban.instead}`);
        }
        if (path.startsWith('actors/') && /[\w)\]]!(?=[.;,)\]\s]|$)(?!=)/.test(line))
          found.push(`${path}:${i + 1}: a non-null assertion; use present()`);
      });
    }
    expect(found).to.deep.equal([]);
  });

  it('modules are imported only where they belong', () => {
    const found: string[] = [];
    for (const { path, text } of all) {
      for (const [, module] of text.matchAll(/^(?:import|export)[^'"]*?from '([^']+)'/gm)) {
        for (const ban of importBans)
          if (ban.module.test(module as string) && !ban.allowed.test(path))
            found.push(`${path} imports ${module}: ${ban.instead}`);
      }
    }
    expect(found).to.deep.equal([]);
  });

  it('no file is called utils, helpers, types or index (but the public doors), and none is left to be fixed', () => {
    const doors = ['messaging/client/index.ts', 'messaging/hashing/index.ts', 'runtime/index.ts'];
    const found = all
      .filter(({ path }) => /\/(utils|helpers|types|index)\.ts$/.test(path) && !doors.includes(path))
      .map(({ path }) => path);
    const word = ['FIX', 'ME'].join('');
    for (const { path, text } of all)
      if (text.includes(word) || /\b(describe|it)\.(only|skip)\(/.test(text)) found.push(path);
    expect(found).to.deep.equal([]);
  });

  it('every declared invariant has a test that names it', () => {
    const tests = [...filesBelow('test', /\.test\.ts$/), ...filesBelow('test/script', /\.txt$/)].map((path) =>
      readFileSync(join(root, path), 'utf8'),
    );
    const words = new Set<string>();
    for (const text of tests) for (const [word] of text.matchAll(/\b[A-Z][0-9]{1,2}\b/g)) words.add(word);
    const missing: string[] = [];
    for (const { path, text } of all) {
      if (path.startsWith('test/')) continue;
      const header = text.split('\nimport ')[0] ?? '';
      if (!header.includes('// Invariants')) continue;
      for (const [, id] of header.matchAll(/^\/\/ {3}([A-Z][0-9]{1,2})\. /gm))
        if (!words.has(id as string)) missing.push(`${path} ${id}`);
    }
    expect(missing).to.deep.equal([]);
  });
});
