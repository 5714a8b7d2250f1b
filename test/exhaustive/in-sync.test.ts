// The in-sync protocol, exhaustively in small scopes
// =============================================================================

import { isFull } from './full.js';
import { InSyncModel, type InSyncScope, noneOfThese } from './in-sync-model.js';
import { expectFound, expectSound, expectSoundSoFar } from './searches.js';

const three = { minInSync: 2, fastDisk: false } as const;
const fast = { minInSync: 2, fastDisk: true } as const;

async function modelOf(scope: Omit<InSyncScope, 'budget'> & { readonly budget: object }): Promise<InSyncModel> {
  return InSyncModel.load({ ...scope, budget: { ...noneOfThese, ...scope.budget } });
}

describe('small scopes: the in-sync set', function () {
  this.timeout(isFull ? 0 : 120_000);

  it('two writes under way at once: one committed log, on the disks of all in sync (R1, R10)', async () => {
    expectSound(await modelOf({ ...three, name: 'two writes', budget: { writes: 2 } }), 10_000);
  });

  it('a write and a leader deposed at any moment, who does not know it (R10, R12, R21)', async () => {
    const budget = { writes: 1, fences: 1, proposals: 1 };
    expectSound(await modelOf({ ...fast, name: 'a deposed leader', budget }), 100_000);
  });

  it('a follower that lags leaves and comes back while its leader writes and is deposed (R13)', async () => {
    const budget = { writes: 1, lags: 1, fences: 1, proposals: 2 };
    expectSoundSoFar(await modelOf({ ...fast, name: 'a lagging follower', budget }), isFull ? 3_000_000 : 60_000);
  });

  it('a write, an election, and a crash that loses any part of what was not synced (R4, R21)', async () => {
    const budget = { writes: 1, fences: 1, crashes: 1, proposals: 1 };
    expectSoundSoFar(await modelOf({ ...three, name: 'a crash', budget }), isFull ? 3_000_000 : 80_000);
  });

  it('PB01: truncating to the high watermark is found', async () => {
    const budget = { writes: 1, fences: 1 };
    expectFound(await modelOf({ ...three, name: 'PB01', budget, wrong: { planted: 'PB01' } }), /^R10|^R21/, 12);
  });

  it('PB02: joining below where the epoch began is found', async () => {
    const budget = { writes: 1, lags: 1, fences: 1, proposals: 2 };
    expectFound(await modelOf({ ...fast, name: 'PB02', budget, wrong: { planted: 'PB02' } }), /^R10/, 14);
  });

  it('PB03: committing with the plain in-sync set is found', async () => {
    // One write that it lags behind, and one that is committed while its coming back, which takes that it has the first (D7), is proposed.
    const budget = { writes: 2, lags: 1, proposals: 2 };
    expectFound(await modelOf({ ...fast, name: 'PB03', budget, wrong: { planted: 'PB03' } }), /^R10/, 12);
  });

  it('PB06: committing below the minimum is found', async () => {
    const budget = { writes: 1, fences: 2 };
    expectFound(await modelOf({ ...fast, name: 'PB06', budget, wrong: { planted: 'PB06' } }), /^R10/, 5);
  });

  it('PB09: acknowledging before the disk has it is found', async () => {
    const budget = { writes: 1, crashes: 1 };
    expectFound(await modelOf({ ...three, name: 'PB09', budget, wrong: { planted: 'PB09' } }), /^R10/, 8);
  });

  it('PB10: acknowledging the end of the log, not of the disk, is found', async () => {
    const budget = { writes: 1, crashes: 1 };
    expectFound(await modelOf({ ...three, name: 'PB10', budget, wrong: { planted: 'PB10' } }), /^R10|^R21/, 14);
  });

  if (!isFull) return;

  it('two writes, two elections, and hosts that come back', async () => {
    const budget = { writes: 2, fences: 2, unfences: 1, proposals: 2 };
    expectSoundSoFar(await modelOf({ ...fast, name: 'two elections', budget }), 3_000_000);
  });

  it('a write and an election with messages that arrive twice', async () => {
    const budget = { writes: 1, fences: 1, repeats: 1, retries: 1, proposals: 1 };
    expectSoundSoFar(await modelOf({ ...fast, name: 'repeats', budget }), 3_000_000);
  });

  it('two writes, two elections, a crash', async () => {
    const budget = { writes: 2, fences: 1, crashes: 1, lags: 1, proposals: 2 };
    expectSoundSoFar(await modelOf({ ...three, name: 'everything', budget }), 3_000_000);
  });
});
