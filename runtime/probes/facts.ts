// Facts that some run has to meet, or the runs prove less than they seem to
// =============================================================================
//
// One line a fact: its id, `room/what-happened`, and what it means. `sometimes(id)` in the code counts it.
//
// Sources: CORRECTNESS §3.6.

export const facts = {
  'partition/truncated': 'a follower cut records off its log, since its leader had others there (R9)',
} as const satisfies Record<string, string>;

export type Fact = keyof typeof facts;
