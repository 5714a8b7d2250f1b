// What people type, and files of text
// =============================================================================

import { parseReplayFile, formatReplayFile } from '../../../actors/simulated/replay-file.js';
import { DataError } from '../../../actors/simulated/checked-data.js';
import { parseCount, parseDurationMs, parseKey, parseValue, parseWord } from '../../../cli/argument.js';
import { CliError } from '../../../cli/cli-error.js';
import { exitCodes } from '../../../cli/exit-codes.js';
import { parseMix } from '../../../cli/load/mix.js';
import { loadAllCommands } from '../../../cli/command-catalogue.js';
import { parse } from '../../../cli/program.js';
import { lastLineOf } from '../../../cli/report-error.js';
import { parseShellLine } from '../../../cli/shell-command.js';
import { decodeCursor, encodeCursor } from '../../../messaging/client/cursor.js';
import { durationMs } from '../../../messaging/client/duration.js';
import { ConnectError, TroupeError } from '../../../messaging/client/errors.js';
import { parseMeshFile } from '../../../messaging/client/mesh-file.js';
import { encodeKey } from '../../../messaging/protocol/key.js';
import { encodeValue } from '../../../messaging/protocol/value-codec.js';
import { entryLine, historyHeader, parseHistory } from '../../../messaging/workload/history-lines.js';
import { crc32 } from 'node:zlib';
import { replaySamples } from './replay-samples.js';
import { accepted, checkSize, rule, same, type Target } from '../target.js';

const allCommands = await loadAllCommands();
const textOf = (input: Uint8Array): string => Buffer.from(input).toString('utf8');
const bytesOf = (...texts: readonly string[]): Uint8Array[] => texts.map((text) => Buffer.from(text));

/** One line, as every message; what is printed has no other control character either. */
function isOneLine(text: string): boolean {
  return !text.includes('\n');
}

const query = { table: 'users', start: new Uint8Array([2, 97]), end: new Uint8Array(0), reverse: false };

export const cursorTarget: Target = {
  name: 'cursor',
  samples: () =>
    [new Uint8Array([2, 97, 98, 0]), new Uint8Array(100).fill(7)].map((key) => Buffer.from(encodeCursor(query, key))),
  /** The checksum of what the text holds. */
  repair(input) {
    const bytes = Buffer.from(textOf(input), 'base64url');
    if (bytes.length < 5) return input;
    bytes.writeUInt32LE(crc32(bytes.subarray(5)), 1);
    return Buffer.from(bytes.toString('base64url'));
  },
  run(input) {
    const found = accepted(
      () => decodeCursor(query, textOf(input)),
      (error) => error instanceof TroupeError && error.code === 'CURSOR_INVALID',
    );
    if (found === undefined) return false;
    const bytes = Buffer.from(textOf(input), 'base64url');
    rule(bytes.readUInt32LE(1) === crc32(bytes.subarray(5)), 'Z5: a wrong checksum was accepted');
    rule(
      same(decodeCursor(query, encodeCursor(query, found.value)), found.value),
      'Z2: encoded and decoded, it is another',
    );
    return true;
  },
};

const historySample = [
  historyHeader({ seed: 1 }),
  '{"client":"c1","table":"t","asked":{"kind":"put","key":"k","value":"v"},"called":[1,0.5],"returned":[2,1],"told":{"kind":"written","status":"applied","version":1,"partition":0,"lineage":0,"epoch":1,"offset":4}}',
  '{"client":"c1","table":"t","asked":{"kind":"increment","key":"k","by":2},"called":[3,1]}',
  '{"client":"c2","table":"t","asked":{"kind":"scan","partition":0,"consistency":"linearizable"},"called":[4,2],"returned":[5,3],"told":{"kind":"scanned","items":[["k",{"value":1,"version":2}]],"more":false}}',
  '{"client":"c2","table":"t","asked":{"kind":"get","key":"k","consistency":"stale"},"called":[6,2],"returned":[7,3],"told":{"kind":"unknown"}}',
].join('\n');

export const historyTarget: Target = {
  name: 'history',
  samples: () => bytesOf(historySample, historyHeader()),
  words: [
    '"told":',
    '"asked":',
    '"returned":',
    '"kind":"',
    'put',
    'delete',
    'get',
    'scan',
    'increment',
    'failed',
    'unknown',
    '__proto__',
    '1e999',
    '-1',
  ],
  run(input) {
    const found = accepted(
      () => parseHistory(textOf(input).split('\n')),
      (error) => error instanceof Error && /^line \d+: ./.test(error.message) && isOneLine(error.message),
    );
    if (found === undefined) return false;
    checkSize(found.value, input.length, 4);
    const lines = found.value.map((entry) => entryLine(entry));
    const again = parseHistory([historyHeader(), ...lines]).map((entry) => entryLine(entry));
    rule(same(again, lines), 'N1: what was written is read back equal');
    return true;
  },
};

export const replayFileTarget: Target = {
  name: 'replay-file',
  samples: () => bytesOf(...replaySamples()),
  words: ['"version":', '"scenario":', '"schedule":', '"kind":"', '"args":', '__proto__', '1e999', 'null', '[]'],
  run(input) {
    const found = accepted(
      () => parseReplayFile(textOf(input)),
      (error) => error instanceof DataError && isOneLine(error.message),
    );
    if (found === undefined) return false;
    const text = formatReplayFile(found.value);
    rule(formatReplayFile(parseReplayFile(text)) === text, 'Z2: written and read back, it is another');
    return true;
  },
};

export const meshFileTarget: Target = {
  name: 'mesh-file',
  samples: () =>
    bytesOf(
      '{"cluster":"mesh","nats":"nats://127.0.0.1:4222, nats://h:1","clusterId":"x"}',
      '{"cluster":"m","nats":["a"]}',
    ),
  words: ['null', '"cluster":', '"nats":', '[]', ','],
  run(input) {
    const found = accepted(
      () => parseMeshFile('mesh.json', textOf(input)),
      (error) => error instanceof ConnectError && isOneLine(error.message),
    );
    if (found === undefined) return false;
    rule(found.value.servers.length > 0, 'a mesh has a server');
    return true;
  },
};

function refusesWell(error: unknown): boolean {
  if (!(error instanceof CliError)) return false;
  const { line, exitCode } = lastLineOf(error);
  rule(!/\p{Cc}/u.test(line) && line.startsWith('troupe: '), `not one line: ${JSON.stringify(line)}`);
  rule(exitCode === exitCodes.usage, `exit code ${exitCode}`);
  return true;
}

/** One word a line; `TROUPE_…=…` is the environment. */
export const argumentsTarget: Target = {
  name: 'arguments',
  samples: () =>
    bytesOf(
      'put\nk\nv\n--table\nt\n-o\njson',
      'get\n["a",1]\n--timeout\n5s',
      'table\ncreate\nt\n--partitions\n8\n--replicas\n3\n--min-insync\n2\n--partitioning\nrange\n--reads\nlease',
      'range\n--prefix\na\n--limit\n10\n--reverse',
      'load\n--mix\nget=80,put=20\n--clients\n8\n--duration\n10s\n--verify',
      'sim\n--seed\n7\n--faults\nhost-kill,partition\n--hosts\n5\n--safety\n10s',
      'soak\n--cycles\n3\n--faults\nkill-one',
      'up\n--hosts\n5\n--data\nd',
      'serve\n--name\nh1\n--data\nd\n--cluster\nc',
      'help\ntable\nTROUPE_OUTPUT=json\nTROUPE_QUIET=1',
      'status\n--version',
      'completion\nbash',
    ),
  words: [
    '--',
    '-',
    '\n',
    '--help',
    '-o',
    '--yes',
    '--data',
    '=',
    'TROUPE_TIMEOUT=',
    'TROUPE_VERSION=',
    '\0',
    '__proto__',
    'constructor',
    '--constructor',
    '--no-',
    '\ufffd',
  ],
  run(input) {
    const words: string[] = [];
    const env: Record<string, string> = {};
    for (const line of textOf(input).split('\n').slice(0, 40)) {
      const variable = /^(TROUPE_\w+)=(.*)$/.exec(line);
      if (variable === null) words.push(line);
      else env[variable[1] as string] = variable[2] as string;
    }
    return accepted(() => parse(words, env, allCommands), refusesWell) !== undefined;
  },
};

/** The first character chooses what is read. */
export const wordTarget: Target = {
  name: 'word',
  samples: () =>
    bytesOf('k["c1",42,true]', 'kplain', 'v{"a":[1,null]}', 'c17', 'd1.5m', 'd250ms', 'mget=80,put=20', 'wb', 's30s'),
  words: ['\ufffd', '__proto__', '1e999', '[', ']', 'ms', 'get=', '.5', '9'.repeat(400)],
  run(input) {
    const text = textOf(input).slice(1);
    switch (textOf(input)[0]) {
      case 'k':
        return takesKey(text);
      case 'v':
        return takesValue(text);
      case 'c': {
        const count = accepted(() => parseCount('--n', text, 1, 1000), refusesWell);
        if (count !== undefined)
          rule(Number.isInteger(count.value) && count.value >= 1 && count.value <= 1000, 'a count in its bounds');
        return count !== undefined;
      }
      case 'd': {
        const ms = accepted(() => parseDurationMs('--timeout', text), refusesWell);
        if (ms !== undefined)
          rule(
            Number.isSafeInteger(ms.value) && ms.value >= 1,
            `a duration is a number of milliseconds, not ${ms.value}`,
          );
        return ms !== undefined;
      }
      case 'm': {
        const mix = accepted(() => parseMix(text), refusesWell);
        if (mix !== undefined) {
          const total = Object.values(mix.value).reduce((sum, share) => sum + share, 0);
          rule(Number.isFinite(total) && total > 0, `shares have a sum, not ${total}`);
        }
        return mix !== undefined;
      }
      case 's': {
        const ms = accepted(
          () => durationMs(text, 'timeout'),
          (error) => error instanceof TroupeError,
        );
        if (ms !== undefined) rule(Number.isFinite(ms.value) && ms.value >= 0, 'a duration is finite');
        return ms !== undefined;
      }
      default:
        return accepted(() => parseWord('--log', ['a', 'b', 'text'], text), refusesWell) !== undefined;
    }
  },
};

/** From the word to the bytes, as `put` goes: what cannot be stored is a TypeError of the SDK. */
function takesKey(text: string): boolean {
  const key = accepted(() => parseKey(text), refusesWell);
  if (key === undefined) return false;
  return accepted(() => encodeKey(key.value), isMisuse) !== undefined;
}

function takesValue(text: string): boolean {
  const value = accepted(() => parseValue(text), refusesWell);
  if (value === undefined) return false;
  return accepted(() => encodeValue(value.value), isMisuse) !== undefined;
}

function isMisuse(error: unknown): boolean {
  if (!(error instanceof TypeError)) return false;
  const { line, exitCode } = lastLineOf(error);
  rule(exitCode === exitCodes.usage && !/\p{Cc}/u.test(line), `taken for a bug: ${line}`);
  return true;
}

export const shellTarget: Target = {
  name: 'shell',
  samples: () => bytesOf('PUT k v', 'put k {"a": 1}', 'GET ["a",1]', 'RANGE a', 'range', 'DEL k', 'QUIT', 'help', ''),
  words: ['PUT ', 'GET ', 'RANGE', 'DELETE ', '\t', '\u00a0', '\ufffd', '[', '"'],
  run(input) {
    const command = parseShellLine(textOf(input));
    switch (command.kind) {
      case 'put':
        return takesKey(command.key) && takesValue(command.value);
      case 'get':
      case 'delete':
        return takesKey(command.key);
      case 'range':
        return command.prefix === undefined || takesKey(command.prefix);
      case 'mistake':
        rule(isOneLine(command.message), `not one line: ${JSON.stringify(command.message)}`);
        return false;
      default:
        return true;
    }
  },
};
