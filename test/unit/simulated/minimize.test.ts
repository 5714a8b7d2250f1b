// Made small without a simulator: a run is a function of the scenario
// =============================================================================

import { expect } from 'chai';
import { minimize, type Step, type Trial } from '../../../actors/simulated/minimize.js';
import { drawScenario, type Scenario } from '../../../actors/simulated/scenario.js';
import { scenarioCheck } from '../../../actors/simulated/scenario-check.js';
import { shrinks } from '../../../actors/simulated/shrinks.js';
import type { FaultEpisode } from '../../../runtime/simulation/fault-schedule.js';

const kill = (host: string, atMs: number): FaultEpisode => ({
  atMs,
  kind: 'host-kill',
  lastsMs: 100.5,
  args: { host },
});

const schedule = Array.from({ length: 40 }, (_, i) => kill(`h${(i % 3) + 1}`, 500.25 * (i + 1)));
const drawn: Scenario = { ...drawScenario('7', { hosts: 5, safetyMs: 30_000 }), schedule };

/** A pretended run: fails with K3 while `fails`, and asks a hundred operations of each client. */
function pretended(fails: (scenario: Scenario) => boolean | string): (scenario: Scenario) => Promise<Trial> {
  return (scenario) => {
    const asked: Record<string, number[]> = {};
    for (let i = 1; i <= scenario.clients; i++) {
      const skipped = new Set(scenario.load.skip?.[`c${i}`]);
      asked[`c${i}`] = Array.from({ length: 100 }, (_, n) => n).filter((n) => !skipped.has(n));
    }
    const failure = fails(scenario);
    const violated = typeof failure === 'string' ? failure : failure ? 'K3' : undefined;
    const episodes = (scenario.schedule ?? []).filter(({ atMs }) => atMs < scenario.safetyMs);
    return Promise.resolve({ violated, episodes, asked, virtualMs: scenario.safetyMs });
  };
}

const always = (): boolean => true;
const asks = ({ load }: Scenario, client: string, number: number): boolean =>
  load.skip?.[client]?.includes(number) !== true;
const killsAt = (scenario: Scenario, index: number): boolean =>
  scenario.schedule?.some(({ atMs }) => Math.round(atMs) === Math.round((schedule[index] as FaultEpisode).atMs)) ===
  true;

describe('minimize', () => {
  it('keeps two episodes of forty, one site, three operations, and the time they take', async () => {
    const site = drawn.sites[0]?.site;
    const result = await minimize(drawn, {
      run: pretended(
        (scenario) =>
          killsAt(scenario, 4) &&
          killsAt(scenario, 17) &&
          scenario.safetyMs >= 9100 &&
          (site === undefined || scenario.sites.some((one) => one.site === site)) &&
          [3, 50, 77].every((number) => asks(scenario, 'c1', number)) &&
          scenario.hosts >= 3,
      ),
      goOn: always,
    });
    expect(result).to.deep.include({ violated: 'K3', complete: true });
    expect(result?.after).to.deep.include({
      episodes: 2,
      operations: 3,
      clients: 1,
      hosts: 3,
      partitions: 1,
      steps: 0,
    });
    expect(result?.after.sites).to.equal(site === undefined ? 0 : 1);
    expect(result?.after.virtualMs).to.be.within(9100, 9130);
    expect(result?.before).to.deep.include({ episodes: 40, hosts: 5, virtualMs: 30_000 });
    expect(result?.before.operations).to.equal(100 * drawn.clients);
  });

  it('M3 takes only what breaks the same rule', async () => {
    // With fewer than ten episodes another rule breaks.
    const run = pretended((scenario) => ((scenario.schedule?.length ?? 0) < 10 ? 'R21' : 'K3'));
    const result = await minimize(drawn, { run, goOn: always });
    expect(result?.violated).to.equal('K3');
    expect(result?.after.episodes).to.equal(10);
    const again = await run(result?.scenario as Scenario);
    expect(again.violated).to.equal('K3');
  });

  it('M4 runs nothing when the time is up, and says that it is not done', async () => {
    let runs = 0;
    const run = pretended((scenario) => killsAt(scenario, 0));
    const result = await minimize(drawn, {
      run: (scenario) => {
        runs++;
        return run(scenario);
      },
      goOn: () => runs < 8,
    });
    expect(runs).to.equal(8);
    expect(result).to.deep.include({ complete: false, runs: 8 });
  });

  it('gives nothing for a scenario that is good', async () => {
    expect(await minimize(drawn, { run: pretended(() => false), goOn: always })).to.equal(undefined);
  });

  it('a failure that needs nothing is left with nothing', async () => {
    const steps: Step[] = [];
    const result = await minimize(drawn, { run: pretended(always), goOn: always, onStep: (step) => steps.push(step) });
    expect(result?.after).to.deep.include({
      episodes: 0,
      sites: 0,
      steps: 0,
      operations: 0,
      clients: 1,
      hosts: 1,
      partitions: 1,
    });
    expect(result?.scenario.faults.network).to.deep.equal({});
    const episodes = steps.map(({ size }) => size.episodes);
    expect(episodes).to.deep.equal(episodes.toSorted((a, b) => b - a));
  });

  it('M1 M2 every candidate of every shrink is a scenario, and a chain of them ends', () => {
    for (let seed = 1; seed <= 40; seed++) {
      let scenario: Scenario = { ...drawScenario(String(seed)), schedule };
      for (const { name, candidates } of shrinks) {
        for (let links = 0; ; links++) {
          expect(links, `SEED=${seed} ${name}`).to.be.lessThan(200);
          let last: Scenario | undefined;
          for (const candidate of candidates(scenario)) {
            expect(
              () => scenarioCheck(JSON.parse(JSON.stringify(candidate)), 'scenario'),
              `SEED=${seed} ${name}`,
            ).not.to.throw();
            last = candidate;
          }
          if (last === undefined) break;
          scenario = last; // the least of the candidates: the longest chain
        }
      }
    }
  });
});
