// What is printed, and the codes that go with it
// =============================================================================

import { expect } from 'chai';
import { CliError, usage } from '../../../cli/cli-error.js';
import { plain, printableEntry } from '../../../cli/commands/get.js';
import { describeStatus } from '../../../cli/commands/status.js';
import { exitCodeOf, exitCodes } from '../../../cli/exit-codes.js';
import { formatTable, type Output, type OutputFormat, paint, printValue } from '../../../cli/output.js';
import { lastLineOf } from '../../../cli/report-error.js';
import {
  ConditionFailedError,
  ConnectError,
  errorCodes,
  NotFoundError,
  OutcomeUnknownError,
  type StatusReport,
  TimeoutError,
  TroupeError,
} from '../../../messaging/client/index.js';
import { HostError, hostExitCodes } from '../../../runtime/threads/exit-codes.js';

function outputOf(format: OutputFormat, colour = false): { output: Output; lines: string[] } {
  const lines: string[] = [];
  const data = (line: string): void => void lines.push(line);
  return { output: { format, colour, quiet: false, verbose: false, data, note: () => undefined }, lines };
}

describe('cli output', () => {
  it('aligns columns, counting no colours', () => {
    const { output } = outputOf('table', true);
    const lines = formatTable(
      ['host', 'state'],
      [
        ['h1', paint(output, 'green', 'up')],
        ['host-22', 'fenced'],
      ],
    );
    expect(lines).to.deep.equal(['HOST     STATE', 'h1       \u001b[32mup\u001b[0m', 'host-22  fenced']);
  });

  it('prints no colour where there is none', () => {
    expect(paint(outputOf('table').output, 'red', 'x')).to.equal('x');
  });

  it('prints one value as JSON, and a list as a line each', () => {
    const json = outputOf('json');
    printValue(json.output, [{ a: 1 }, { a: 2 }], () => []);
    expect(JSON.parse(json.lines.join(''))).to.deep.equal([{ a: 1 }, { a: 2 }]);
    const jsonl = outputOf('jsonl');
    printValue(jsonl.output, [{ a: 1 }, { a: 2 }], () => []);
    expect(jsonl.lines).to.deep.equal(['{"a":1}', '{"a":2}']);
    const table = outputOf('table');
    printValue(table.output, { a: 1 }, () => ['one']);
    expect(table.lines).to.deep.equal(['one']);
  });

  it('shows an entry as the contract says, also what JSON has no word for', () => {
    const at = new Date(1.7e12);
    const entry = {
      key: ['a', 1],
      value: { big: 5n, at, bytes: new Uint8Array([1]) },
      version: 2,
      createdAt: at,
      updatedAt: at,
    };
    expect(JSON.parse(JSON.stringify(printableEntry(entry)))).to.deep.equal({
      key: ['a', 1],
      value: { big: { $bigint: '5' }, at: { $date: at.toISOString() }, bytes: { $bytes: 'AQ==' } },
      version: 2,
      createdAt: at.toISOString(),
      updatedAt: at.toISOString(),
    });
  });

  it('prints a string bare and anything else as JSON text', () => {
    expect(plain('Ada')).to.equal('Ada');
    expect(plain({ a: [1] })).to.equal('{"a":[1]}');
    expect(plain(null)).to.equal('null');
  });

  it('status is a screenful that says what is wrong first', () => {
    const status: StatusReport = {
      cluster: 'local',
      clusterId: 'c',
      healthy: false,
      reasons: ['host h2 is not heard of'],
      metadata: { leader: 'h1', term: 3, revision: 9, members: [] },
      hosts: [{ name: 'h1', state: 'up', epoch: 1, pid: 7, version: '0', rack: '', workers: [] }],
      tables: [],
    };
    const lines = describeStatus(status, outputOf('table').output);
    expect(lines.slice(0, 2)).to.deep.equal(['cluster local: not healthy', '  ! host h2 is not heard of']);
    expect(lines.join('\n')).to.include('no tables yet');
  });
});

describe('cli errors', () => {
  it('are one line: code, what happened, what to do next', () => {
    const typed = new CliError('USAGE', 'not a\u001b[31m\r\u0085', 'see help');
    expect(lastLineOf(typed).line).to.equal('troupe: USAGE: not a\\u001b[31m\\u000d\\u0085; see help');
    expect(lastLineOf(new CliError('IN_USE', 'it is\n  in use', 'end it')).line).to.equal(
      'troupe: IN_USE: it is in use; end it',
    );
    for (const code of errorCodes) {
      const { line } = lastLineOf(new TroupeError(code, 'something\nhappened'));
      expect(line).to.match(new RegExp(`^troupe: ${code}: something happened; .+$`));
    }
  });

  it('give no advice twice', () => {
    expect(lastLineOf(new ConnectError('nobody is here; do this')).line).to.equal(
      'troupe: CANNOT_CONNECT: nobody is here; do this',
    );
  });

  it('have the exit codes of the contract', () => {
    const cases: [unknown, number][] = [
      [new ConnectError('x'), 2],
      [new TroupeError('FORBIDDEN', 'x'), 3],
      [new TroupeError('UNAUTHENTICATED', 'x'), 3],
      [new NotFoundError('x'), 4],
      [new ConditionFailedError(1, 'x'), 5],
      [new OutcomeUnknownError('x'), 6],
      [new TimeoutError('x'), 6],
      [new TroupeError('UNAVAILABLE', 'x'), 7],
      [new TroupeError('NOT_LEADER', 'x'), 7],
      [new TroupeError('CAPACITY', 'x'), 8],
      [new TroupeError('THROTTLED', 'x'), 8],
      [usage('x'), 64],
      [new TroupeError('INVALID_ARGUMENT', 'x'), 64],
      [new TypeError('a key is a string'), 64],
      [new CliError('INTERRUPTED', 'x', 'y'), 130],
      [new TypeError('Cannot read properties of undefined'), 1],
      [new Error('x'), 1],
      [new HostError(hostExitCodes.refused, 'x'), 78],
      [new HostError(hostExitCodes.unreachable, 'x'), 69],
      ['thrown text', 1],
    ];
    for (const [error, exitCode] of cases) expect(lastLineOf(error).exitCode, String(error)).to.equal(exitCode);
  });

  it('exit codes are all different, and none is a host’s', () => {
    const codes = Object.values(exitCodes);
    expect(new Set(codes).size).to.equal(codes.length);
    expect(exitCodeOf('SOMETHING_NEW')).to.equal(exitCodes.failure);
    const shared = Object.values(hostExitCodes).filter((code) => code > 1 && (codes as number[]).includes(code));
    expect(shared).to.deep.equal([]);
  });
});
