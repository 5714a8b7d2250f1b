// Leases and commit holds, exhaustively in small scopes
// =============================================================================

import { clockRateErrorMax } from '../../actors/metadata/lease-timing.js';
import { isFull } from './full.js';
import { LeaseModel, type LeaseScope } from './lease-model.js';
import { expectFound, expectSound, expectSoundSoFar } from './searches.js';

const fast = 1 + clockRateErrorMax;
const slow = 1 - clockRateErrorMax;

/** h2 leads at first; its clock is slow, those of the controller and of its last successor are fast: the worst there is. */
const one: LeaseScope = {
  name: 'one deposed leader',
  ticks: 5,
  tickMs: 500,
  stalls: 1,
  late: ['h2'],
  slowDisk: false,
  rates: [fast, slow, slow, fast],
};

const two: LeaseScope = { ...one, name: 'two deposed leaders', stalls: 2, ticks: 7, tickMs: 250 };

/** Leases as long as the wait: nothing left for clocks that differ. */
const withoutMargin = [
  { file: 'metadata/lease-timing.js', from: 'leaseDurationMs = 1450', to: 'leaseDurationMs = 1500' },
  { file: 'metadata/lease-timing.js', from: 'assert(leaseDurationMs + slackMs <=', to: 'assert(true ||' },
];

describe('small scopes: leases and commit holds', function () {
  this.timeout(isFull ? 0 : 120_000);

  it('a leader that is deposed and cut off reads nothing stale, whatever is late (L1, L5)', async () => {
    expectSound(await LeaseModel.load(one), 5000);
  });

  it('nor when the metadata group takes its time between proposal and commit', async () => {
    expectSound(await LeaseModel.load({ ...one, name: 'a slow metadata group', slowDisk: true }), 20_000);
  });

  it('two leaders deposed one after the other', async () => {
    expectSoundSoFar(await LeaseModel.load(two), isFull ? 1_000_000 : 15_000);
  });

  it('PB17: a lease that counts from when it was received is found', async () => {
    expectFound(await LeaseModel.load({ ...one, name: 'PB17', wrong: { planted: 'PB17' } }), /^L5/, 8);
  });

  it('PB18: a leader that does not hold its commits is found', async () => {
    expectFound(await LeaseModel.load({ ...one, name: 'PB18', wrong: { planted: 'PB18' } }), /^L5/, 6);
  });

  it('PB41: a hold that covers only the last deposed leader is found', async () => {
    expectFound(await LeaseModel.load({ ...two, name: 'PB41', wrong: { planted: 'PB41' } }), /^L5/, 12);
  });

  it('PB43: a lease that is usable before its metadata was applied is found', async () => {
    expectFound(await LeaseModel.load({ ...one, name: 'PB43', wrong: { planted: 'PB43' } }), /^L5/, 10);
  });

  it('PB44: a lease granted between proposal and commit of an election is found', async () => {
    const scope = { ...one, name: 'PB44', slowDisk: true, wrong: { planted: 'PB44' } } as const;
    expectFound(await LeaseModel.load(scope), /^L5/, 8);
  });

  it('a lease as long as the wait is found, but only when clocks differ', async () => {
    const scope = { ...one, name: 'no margin', wrong: { mutations: withoutMargin } };
    expectFound(await LeaseModel.load(scope), /^L5/, 10);
    expectSound(await LeaseModel.load({ ...scope, name: 'no margin, equal clocks', rates: [1, 1, 1, 1] }), 5000);
  });

  if (!isFull) return;

  it('everybody is late, with every assignment of rates', async () => {
    for (const [h1, h2, h3] of [
      [slow, slow, slow],
      [slow, fast, fast],
      [fast, slow, slow],
      [fast, fast, fast],
    ] as const)
      for (const member of [slow, fast]) {
        const name = `late hosts, rates ${[member, h1, h2, h3].join(' ')}`;
        const scope = { ...one, name, ticks: 4, late: ['h1', 'h2'], rates: [member, h1, h2, h3] } as const;
        expectSoundSoFar(await LeaseModel.load(scope), 500_000);
      }
  });
});
