// Bugs that others have had, put back on purpose
// =============================================================================
//
// Each is a switch around the line that upholds a rule. A simulator that does not find them out proves nothing: `make simulate-planted`.
//
// Sources: CORRECTNESS §3.7, whose numbers these are; from PB45 on, bugs that Troupe itself has had.

export interface BugSheet {
  /** What the code does wrong with the switch on. */
  readonly wrong: string;
  /** The rule it breaks. */
  readonly rule: string;
}

export const plantedBugs = {
  PB09: { wrong: 'leader and followers acknowledge what they have appended and not yet synced', rule: 'R4 D4' },
  PB50: { wrong: 'the leader commits what is on its own disk, and waits for no follower', rule: 'R5' },
} as const satisfies Record<string, BugSheet>;

export type PlantedBug = keyof typeof plantedBugs;
