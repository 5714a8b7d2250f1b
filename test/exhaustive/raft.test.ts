// Elections and commitment of the metadata group, exhaustively in small scopes
// =============================================================================

import { isFull } from './full.js';
import { RaftModel, type RaftScope } from './raft-model.js';
import { expectFound, expectSound, expectSoundSoFar } from './searches.js';

const none = { timeouts: 0, crashes: 0, repeats: 0, proposals: 0, heartbeats: 0, stepDowns: 0, changes: 0 };

const three = {
  peers: ['a', 'b', 'c'],
  founding: { voters: ['a', 'b', 'c'], learners: [] },
  fastDisk: false,
} as const;

/** Figure 8 of the Raft paper begins so: two leaders, one after the other, each of whom has its first entry alone. */
const figure8: RaftScope = {
  ...three,
  name: 'two leaders with an entry each of their own',
  fastDisk: true,
  entriesPerAppend: 1,
  budget: { ...none, timeouts: 2 },
  prefix: [
    'a times out',
    'a→b vote term 1 pre',
    'b→a vote-reply term 1 pre granted',
    'a→b vote term 1 last',
    'b→a vote-reply term 1 granted',
    'b times out',
    'b→c vote term 2 pre',
    'c→b vote-reply term 2 pre granted',
    'b→c vote term 2 last',
    'c→b vote-reply term 2 granted',
    'a→b append term 1',
    'b→a refused term 2',
  ],
};

/** From {a, b, c} to {a, d}: two majorities that have nobody in common. */
const joint: RaftScope = {
  name: 'a change of voters',
  peers: ['a', 'b', 'c', 'd'],
  founding: { voters: ['a', 'b', 'c'], learners: ['d'] },
  fastDisk: true,
  change: { voters: ['a', 'd'], learners: [] },
  budget: { ...none, timeouts: 1, changes: 1 },
  prefix: [
    'a times out',
    'a→b vote term 1 pre',
    'b→a vote-reply term 1 pre granted',
    'a→b vote term 1 last',
    'b→a vote-reply term 1 granted',
    'a→b append',
    'a→c append',
    'a→d append',
    'b→a accepted',
    'c→a accepted',
    'd→a accepted',
  ],
};

describe('small scopes: Raft', function () {
  this.timeout(isFull ? 0 : 120_000);

  it('two elections in every order: one leader a term, with everything committed (M1, M4, M5)', async () => {
    const scope = { ...three, name: 'two elections', fastDisk: true, budget: { ...none, timeouts: 2 } };
    expectSound(await RaftModel.load(scope), 200_000);
  });

  it('an election, a crash that loses any part of what was not synced, and a second election (M6)', async () => {
    const scope = { ...three, name: 'elections with a crash', budget: { ...none, timeouts: 2, crashes: 1 } };
    expectSoundSoFar(await RaftModel.load(scope), isFull ? 6_000_000 : 80_000);
  });

  it('two entries of earlier terms: neither is committed by counting (M7)', async () => {
    expectSoundSoFar(await RaftModel.load(figure8), isFull ? 6_000_000 : 80_000);
  });

  it('a joint change of voters and an election (M8)', async () => {
    expectSound(await RaftModel.load(joint), 150_000);
  });

  it('PB22: a vote that is not synced is found', async () => {
    const budget = { ...none, timeouts: 2, crashes: 1 };
    const model = await RaftModel.load({ ...three, name: 'PB22', budget, wrong: { planted: 'PB22' } });
    expectFound(model, /^M1/, 13);
  });

  it('PB23: a change of voters without the old majority is found', async () => {
    expectFound(await RaftModel.load({ ...joint, name: 'PB23', wrong: { planted: 'PB23' } }), /^M4|^M5/, 8);
  });

  it('committing an entry of an earlier term by counting is found', async () => {
    const mutations = [{ file: 'raft/leader.js', from: ' || state.log.termAt(index) !== state.term', to: '' }];
    expectFound(await RaftModel.load({ ...figure8, name: 'no M7', wrong: { mutations } }), /^M4|^M5/, 16);
  });

  it('counting oneself before one’s own disk has it is found', async () => {
    const mutations = [
      {
        file: 'raft/leader.js',
        from: 'member === state.id ? state.durability.durableIndex :',
        to: 'member === state.id ? state.log.lastIndex :',
      },
    ];
    const prefix = [
      'a times out',
      'a→b vote term 1 pre',
      'b→a vote-reply',
      'a syncs',
      'a→b vote term 1 last',
      'b syncs',
    ];
    const scope = { ...three, name: 'no M6', prefix: [...prefix, 'b→a vote-reply'], keepsMail: true };
    const budget = { ...none, timeouts: 1, crashes: 1 };
    expectFound(await RaftModel.load({ ...scope, budget, wrong: { mutations } }), /^M4|^M5/, 16);
  });

  if (!isFull) return;

  it('two elections with messages that arrive twice', async () => {
    const budget = { ...none, timeouts: 2, repeats: 1 };
    expectSoundSoFar(await RaftModel.load({ ...three, name: 'repeats', fastDisk: true, budget }), 6_000_000);
  });

  it('two elections and a proposal, with heartbeats and step-downs', async () => {
    const budget = { ...none, timeouts: 2, proposals: 1, heartbeats: 1, stepDowns: 1 };
    expectSoundSoFar(await RaftModel.load({ ...three, name: 'proposal', fastDisk: true, budget }), 6_000_000);
  });

  it('two elections with slow disks', async () => {
    expectSound(await RaftModel.load({ ...three, name: 'slow disks', budget: { ...none, timeouts: 2 } }), 1_000_000);
  });

  it('two elections and a crash with fast disks', async () => {
    const budget = { ...none, timeouts: 2, crashes: 1 };
    expectSound(await RaftModel.load({ ...three, name: 'crash', fastDisk: true, budget }), 1_000_000);
  });
});
