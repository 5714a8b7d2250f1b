// Decoders under bytes that somebody else wrote
// =============================================================================
//
// Every input of every corpus, then mutations of samples and corpus: drawn from a seed, and by fast-check, which makes a failing one small.
// `make fuzz` looks for more.

import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from '../../runtime/std/random.js';
import { nameOf, readCorpus } from './corpus.js';
import { Coverage } from './coverage.js';
import { fuzz, nextInput, tryInput } from './loop.js';
import { apply, type Edit, edgeBytes, edgeNumbers } from './mutation.js';
import { rule, type Target } from './target.js';
import { targets } from './targets.js';

const at = fc.nat(20_000);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set' as const), at, byte: fc.constantFrom(...edgeBytes) }),
  fc.record({ kind: fc.constant('cut' as const), at }),
  fc.record({ kind: fc.constant('remove' as const), at, count: fc.nat(16) }),
  fc.record({ kind: fc.constant('repeat' as const), at, count: fc.nat(16), times: fc.nat(40) }),
  fc.record({ kind: fc.constant('insert' as const), at, bytes: fc.uint8Array({ maxLength: 9 }) }),
  fc.record({ kind: fc.constant('varint' as const), at, value: fc.constantFrom(...edgeNumbers) }),
  fc.record({
    kind: fc.constant('field' as const),
    at,
    width: fc.constantFrom(2 as const, 4 as const, 8 as const),
    big: fc.boolean(),
    value: fc.constantFrom(...edgeNumbers),
  }),
  fc.record({
    kind: fc.constant('digits' as const),
    at,
    text: fc.constantFrom('0', '-1', '1e999', '9007199254740993', 'null'),
  }),
);

describe('fuzzing', () => {
  for (const target of targets) {
    describe(target.name, function () {
      this.timeout(60_000);
      const samples = target.samples();

      it('accepts its samples', () => {
        expect(samples.length).to.be.greaterThan(0);
        for (const sample of samples)
          expect(tryInput(target, sample), Buffer.from(sample).toString('hex')).to.equal(true);
      });

      it('Z1 Z2 Z3 Z4 Z5 V4: its corpus, and 1,500 inputs made of it', () => {
        const pool = [...samples, ...readCorpus(target.name)];
        const random = seededRandom(`fuzz.test ${target.name}`);
        for (const input of pool) attempt(target, input);
        for (let count = 0; count < 1500; count++) attempt(target, nextInput(target, pool, random));
      });

      it('Z1 Z2 Z3 Z4 Z5: 500 samples with a count, a length or a depth that is another', () => {
        fc.assert(
          fc.property(
            fc.constantFrom(...samples),
            fc.array(edit, { minLength: 1, maxLength: 4 }),
            fc.boolean(),
            (sample, edits, isRepaired) => {
              const input = new Uint8Array(edits.reduce((bytes, one) => apply(bytes, one), sample));
              tryInput(target, isRepaired ? new Uint8Array(target.repair?.(input) ?? input) : input);
            },
          ),
          { numRuns: 500, seed: 20_261_120 },
        );
      });
    });
  }

  it('no two targets share a name', () => {
    expect(new Set(targets.map(({ name }) => name)).size).to.equal(targets.length);
  });

  it('the loop finds a bug behind three bytes that are compared one after the other', function () {
    this.timeout(60_000);
    const target: Target = {
      name: 'planted',
      samples: () => [new Uint8Array(4)],
      run(input) {
        if (input[0] !== 0xc0) return false;
        if (input[1] !== 0xf6) return false;
        rule(input[2] !== 0x20, 'found');
        return false;
      },
    };
    const coverage = new Coverage((url) => url.includes('fuzz.test'));
    let batches = 0;
    const broken = fuzz(
      target,
      [new Uint8Array(4)],
      seededRandom('planted'),
      coverage,
      () => undefined,
      () => batches++ < 500,
    );
    coverage.close();
    expect(broken?.error).to.have.property('message', 'found');
    expect(Array.from(broken?.input ?? []).slice(0, 3)).to.deep.equal([0xc0, 0xf6, 0x20]);
  });
});

/** @throws with the input, so that it can be kept. */
function attempt(target: Target, input: Uint8Array): void {
  try {
    tryInput(target, input);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message} — input ${nameOf(input)}: ${Buffer.from(input).toString('base64')}`, { cause: error });
  }
}
