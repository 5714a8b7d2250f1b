// The words of `troupe sim`: what is refused, in one line
// =============================================================================

import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../../../../cli/cli-error.js';
import { loadAllCommands } from '../../../../cli/command-catalogue.js';
import { parse } from '../../../../cli/program.js';
import { lastLineOf } from '../../../../cli/report-error.js';
import { exitCodes } from '../../../../cli/exit-codes.js';
import { readReplayFile, writeReplayFile } from '../../../../cli/sim/artefacts.js';
import { commandFor } from '../../../../cli/sim/seed-command.js';
import type { ReplayFile } from '../../../../actors/simulated/replay-file.js';
import { drawScenario } from '../../../../actors/simulated/scenario.js';

const all = await loadAllCommands();

function refusal(...words: string[]): { readonly line: string; readonly exitCode: number } {
  try {
    parse(['sim', ...words], {}, all);
  } catch (error) {
    return lastLineOf(error);
  }
  throw new Error('it was understood');
}

describe('troupe sim', () => {
  it('refuses what it does not know with one line and exit code 64', () => {
    const cases: [string[], string][] = [
      [['--seed', 'abc'], '--seed takes a number, not abc'],
      [['--seed', '-5'], '--seed takes a number, not -5'],
      [['--seed', '1e3'], '--seed takes a number, not 1e3'],
      [['--seed', '9007199254740991'], '--seed takes a number below 9007199254740991'],
      [['--runs', '0'], '--runs takes a whole number from 1'],
      [['--faults', 'host-kil'], '--faults: there is no fault "host-kil"; did you mean host-kill?'],
      [['--faults', 'host-kill,,clog'], '--faults: there is no fault ""'],
      [['--planted', 'PB999'], '--planted: there is no planted bug "PB999"'],
      [['--hosts', '99'], '--hosts takes a whole number from 1 to 16, not 99'],
      [['--jobs', '0'], '--jobs takes a whole number'],
      [['--journal', 'tape'], '--journal is one of disk, model, not tape'],
      [['--safety', 'long'], '--safety takes a duration'],
      [['--replay', 'x.json', '--seed', '1'], '--replay runs what the file says; leave out --seed'],
      [['--replay', 'x.json', '--planted', 'all'], '--replay runs what the file says; leave out --planted'],
      [['--runs', '5', '--trace'], '--trace, --diagram and --mermaid show one run; leave out --runs'],
      [['extra'], 'too many arguments'],
    ];
    for (const [words, said] of cases) {
      const { line, exitCode } = refusal(...words);
      expect(exitCode, words.join(' ')).to.equal(exitCodes.usage);
      expect(line, words.join(' ')).to.include(said).and.include('see `troupe help sim`').and.not.include('\n');
      expect(line.length, line).to.be.lessThan(200);
    }
  });

  it('understands a seed, a batch, a list of faults and of planted bugs', () => {
    for (const words of [
      ['--seed', '0'],
      ['--runs', '1000000'],
      ['--faults', 'host-kill, clog'],
      ['--faults', 'none'],
      ['--planted', 'all'],
      ['--planted', 'PB01,PB09', '--runs-max', '50'],
      ['--replay', 'x.json', '--minimize', '--minimize-for', '5m'],
      ['--no-minimize', '--diagram', '--from', '2s', '--only', 'h1,partition-3'],
    ])
      expect(parse(['sim', ...words], {}, all).kind, words.join(' ')).to.equal('run');
  });

  it('the command that runs a seed again has every bound it was drawn in', () => {
    expect(commandFor('7', {})).to.equal('npx troupe sim --seed 7');
    const bounds = { hosts: 5, faults: ['host-kill', 'clog'], safetyMs: 4000, journalKind: 'disk' } as const;
    const words = commandFor('7', bounds).split(' ').slice(2);
    expect(words.join(' ')).to.equal('sim --seed 7 --hosts 5 --faults host-kill,clog --safety 4000ms --journal disk');
    expect(parse(words, {}, all).kind).to.equal('run');
    expect(commandFor('7', { faults: [] })).to.equal('npx troupe sim --seed 7 --faults none');
    expect(commandFor('7', { planted: 'PB09' })).to.equal('npx troupe sim --seed 7 --planted PB09 --runs-max 1');
  });

  describe('replay files', () => {
    let folder: string;
    before(() => (folder = mkdtempSync(join(tmpdir(), 'troupe-replay-'))));
    after(() => rmSync(folder, { recursive: true }));

    const said = (path: string): string => {
      try {
        readReplayFile(path);
      } catch (error) {
        expect(error).to.be.instanceOf(CliError);
        const { line, exitCode } = lastLineOf(error);
        expect(exitCode).to.equal(exitCodes.usage);
        return line;
      }
      throw new Error('it was read');
    };

    it('are written into a folder that need not be there, and name themselves', () => {
      const replay: ReplayFile = {
        format: 'troupe-replay',
        version: 1,
        program: '0.1.0',
        seed: '7',
        command: '',
        violated: 'K3',
        phase: 'safety',
        message: 'K3: …',
        traceHash: '0123456789abcdef',
        virtualMs: 1,
        scenario: drawScenario('7'),
        lastEvents: [],
      };
      const path = writeReplayFile(join(folder, 'a', 'b'), 'seed-7', replay);
      expect(path).to.equal(join(folder, 'a', 'b', 'seed-7.json'));
      expect(readReplayFile(path)).to.deep.equal({ ...replay, command: `npx troupe sim --replay ${path}` });
    });

    it('that are none are refused in one line: missing, a folder, no JSON, other JSON, another version, an unknown fault', () => {
      const file = (name: string, text: string): string => {
        const path = join(folder, name);
        writeFileSync(path, text);
        return path;
      };
      expect(said(join(folder, 'missing.json'))).to.include('missing.json: there is no such file');
      expect(said(folder)).to.include('it is a folder');
      expect(said(file('text.json', 'hello'))).to.include('text.json: it is not JSON');
      expect(said(file('other.json', '{"a":1}'))).to.include('it is no replay file');
      const head = '"format":"troupe-replay","program":"9.9.9","seed":"4711"';
      expect(said(file('version.json', `{${head},"version":9}`)))
        .to.include('version 9')
        .and.include('npx troupe sim --seed 4711')
        .and.include('Troupe 9.9.9');
      expect(said(file('short.json', `{${head},"version":1}`))).to.include('replay.command is missing');
    });
  });
});
