import { expect } from 'chai';
import { seededRandom } from '../../../runtime/std/random.js';
import { onFailure, type RestartPolicy } from '../../../runtime/supervision/restart-policy.js';

const policy: RestartPolicy = { minMs: 10, maxMs: 100, jitter: 0, restartCountMax: 6, windowMs: 1000 };

describe('the restart policy', () => {
  it('doubles the delay up to its maximum, and escalates beyond its count', () => {
    const history: number[] = [];
    const delays = Array.from({ length: 7 }, (_, i) => {
      const decision = onFailure(policy, history, i, seededRandom('r'));
      return decision.kind === 'restart' ? decision.afterMs : decision.kind;
    });
    expect(delays).to.deep.equal([10, 20, 40, 80, 100, 100, 'escalate']);
  });

  it('forgets what is older than its window', () => {
    const history: number[] = [];
    for (let i = 0; i < 6; i++) onFailure(policy, history, i, seededRandom('r'));
    expect(onFailure(policy, history, 1006, seededRandom('r'))).to.deep.equal({ kind: 'restart', afterMs: 10 });
    expect(history).to.deep.equal([1006]);
  });

  it('takes its jitter from the randomness it is given, downwards only', () => {
    const decide = (seed: string): unknown => onFailure({ ...policy, jitter: 0.5 }, [], 0, seededRandom(seed));
    expect(decide('one')).to.deep.equal(decide('one'));
    expect(decide('one')).to.not.deep.equal(decide('two'));
    for (let i = 0; i < 100; i++) {
      const decision = onFailure({ ...policy, jitter: 0.5 }, [], 0, seededRandom(i));
      expect(decision.kind === 'restart' ? decision.afterMs : Number.NaN).to.be.within(5, 10);
    }
  });
});
