import { expect } from 'chai';
import { DataError, suggestion } from '../../../actors/simulated/checked-data.js';
import {
  formatReplayFile,
  parseReplayFile,
  type ReplayFile,
  replayFormat,
  replayVersion,
} from '../../../actors/simulated/replay-file.js';
import { drawScenario } from '../../../actors/simulated/scenario.js';
import { violatedBy } from '../../../actors/simulated/violated.js';

const size = { episodes: 1, steps: 0, sites: 0, operations: 1, clients: 1, partitions: 1, hosts: 3, virtualMs: 1.5 };

function replayOf(seed: string): ReplayFile {
  return {
    format: replayFormat,
    version: replayVersion,
    program: '0.1.0',
    seed,
    command: `npx troupe sim --seed ${seed}`,
    violated: 'K3',
    phase: 'safety',
    message: 'replicas: K3: partition 1 at h1: committed beyond its log',
    traceHash: '0123456789abcdef',
    virtualMs: 1234.5,
    minimized: { before: size, after: size, runs: 3 },
    scenario: {
      ...drawScenario(seed),
      schedule: [{ atMs: 10, kind: 'host-kill', lastsMs: 100, args: { host: 'h1' } }],
    },
    lastEvents: ['   1.000 h1/0     metadata       received raft-vote h2'],
  };
}

type Json = Record<string, unknown>;

/** What is said of a file with one thing changed. */
function refusal(change: (file: Json, scenario: Json) => void): string {
  const file = JSON.parse(formatReplayFile(replayOf('7'))) as Json;
  change(file, file['scenario'] as Json);
  return saidOf(JSON.stringify(file));
}

function saidOf(text: string): string {
  try {
    parseReplayFile(text);
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
  throw new Error('it was read');
}

describe('replay files', () => {
  it('V1 V2 what was written is read, whatever the seed drew', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const replay = replayOf(String(seed));
      expect(parseReplayFile(formatReplayFile(replay)), `SEED=${seed}`).to.deep.equal(replay);
    }
  });

  it('V2 whatever is not right is one line that names it', () => {
    const cases: [string, (file: Json, scenario: Json) => void, string][] = [
      ['a field missing', (_, scenario) => delete scenario['hosts'], 'replay.scenario.hosts is missing'],
      [
        'a field too many',
        (_, scenario) => (scenario['colour'] = 1),
        'replay.scenario.colour is no field that this version knows',
      ],
      [
        'a number out of bounds',
        (_, scenario) => (scenario['hosts'] = 99),
        'replay.scenario.hosts is a whole number from 1 to 16, not 99',
      ],
      [
        'a text for a number',
        (_, scenario) => (scenario['safetyMs'] = '5s'),
        'replay.scenario.safetyMs is a number from 0 to',
      ],
      [
        'nothing for a number',
        (_, scenario) => (scenario['clients'] = null),
        'replay.scenario.clients is a whole number from 1 to 64, not null',
      ],
      ['a seed that is none', (file) => (file['seed'] = 7), 'replay.seed is a word, not 7'],
      [
        'a list that is none',
        (_, scenario) => (scenario['tables'] = {}),
        'replay.scenario.tables is a list of 1 to 16, not {}',
      ],
      ['no table', (_, scenario) => (scenario['tables'] = []), 'replay.scenario.tables is a list of 1 to 16, not []'],
      [
        'an unknown fault',
        (_, scenario) => ((scenario['schedule'] as Json[])[0] = { atMs: 1, kind: 'host-kil', lastsMs: 1, args: {} }),
        'unknown fault kind "host-kil"',
      ],
      [
        'a fault without its target',
        (_, scenario) => ((scenario['schedule'] as Json[])[0] = { atMs: 1, kind: 'host-kill', lastsMs: 1, args: {} }),
        'args.host must be a name',
      ],
      [
        'an unknown fault in the plan',
        (_, scenario) => ((scenario['faults'] as Json)['everyMs'] = { 'host-kil': 5 }),
        'there is no fault "host-kil"; did you mean host-kill?',
      ],
      [
        'an unknown site',
        (_, scenario) => (scenario['sites'] = [{ site: 'nowhere', probability: 1 }]),
        'replay.scenario.sites[0].site: there is no site "nowhere"',
      ],
      [
        'an unknown step',
        (_, scenario) => (scenario['script'] = [{ atMs: 1, step: 'dance' }]),
        'replay.scenario.script[0].step: there is no step "dance"',
      ],
      [
        'an unknown planted bug',
        (_, scenario) => (scenario['planted'] = 'PB999'),
        'replay.scenario.planted: there is no planted bug "PB999"',
      ],
      [
        'founders that are even',
        (_, scenario) => (scenario['founders'] = 2),
        'replay.scenario.founders is 1, 3 or 5, not 2',
      ],
      [
        'more founders than hosts',
        (_, scenario) => Object.assign(scenario, { hosts: 1, founders: 3 }),
        'replay.scenario.founders is at most the 1 hosts, not 3',
      ],
      [
        'a hash that is none',
        (file) => (file['traceHash'] = 'xyz'),
        'replay.traceHash is sixteen hexadecimal digits, not "xyz"',
      ],
    ];
    for (const [what, change, said] of cases) {
      const message = refusal(change);
      expect(message, what).to.include(said);
      expect(message, what).not.to.include('\n');
      expect(message.length, `${what}: ${message}`).to.be.lessThan(200);
    }
  });

  it('a file of another version says what to do', () => {
    expect(refusal((file) => (file['version'] = 2))).to.equal(
      'it is of version 2, this Troupe reads version 1: replay it by its seed (npx troupe sim --seed 7), or with Troupe 0.1.0 that wrote it',
    );
    expect(refusal((file) => delete file['version'])).to.include('it is of version unknown');
  });

  it('what is no replay file at all is said so', () => {
    expect(saidOf('{"a":')).to.match(/^it is not JSON \(/);
    expect(saidOf('')).to.match(/^it is not JSON \(/);
    for (const text of ['{}', 'null', '[]', '"x"', '{"format":"other"}'])
      expect(saidOf(text)).to.equal(`it is no replay file: those say "format": "${replayFormat}"`);
  });

  it('suggests the nearest of many words, and lists few', () => {
    const many = [
      'host-kill',
      'host-pause',
      'worker-kill',
      'clog',
      'isolate',
      'partition',
      'stalls',
      'suspend',
      'one-way',
    ];
    expect(suggestion(many, 'host-kil')).to.equal('; did you mean host-kill?');
    expect(suggestion(many, 'parttion')).to.equal('; did you mean partition?');
    expect(suggestion(many, 'zzzzzz')).to.equal('');
    expect(suggestion(['a', 'b'], 'c')).to.equal(', only a, b');
  });
});

describe('which rule a failure broke', () => {
  it('is the id that its text names, wherever it stands', () => {
    const cases: [string, string][] = [
      ['K3: partition 1 at h1: committed beyond its log', 'K3'],
      ['replicas: K4: partition 2 is led by h1 and by h2', 'K4'],
      ['2 findings\nR21: once-3 was acknowledged and is lost\n  …', 'R21'],
      ['1 findings\nlinearizability: no order explains register-1', 'linearizability'],
      ['not converged 60000 ms after healing: load goes on', 'not-converged'],
      ['not alive: 30000 ms after h2 was healed: Y2: partition 1 is led by h2', 'Y2'],
      ['after healing, a read still fails: c1 get register-3 at 12.5 ms', 'read-fails'],
      ['50000000 events, and no end', 'no-end'],
      ['not within 20000 ms: () => true', 'not-within'],
      ['Cannot read properties of undefined (reading 3)', 'cannot-read-properties-of-undefined'],
      ['', 'unnamed'],
    ];
    for (const [message, id] of cases) expect(violatedBy(message), message).to.equal(id);
  });

  it('does not take a time, a place or a number of another run for another rule', () => {
    expect(violatedBy('host h3 has 17 open files at 12.5 ms')).to.equal(violatedBy('host h1 has 2 open files at 3 ms'));
  });
});
