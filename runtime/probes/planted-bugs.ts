// Bugs that others have had, put back on purpose
// =============================================================================
//
// Each is a switch around the line that upholds a rule. A simulator that does not find them out proves nothing: `make simulate-planted`.
//
// `troupe sim --planted all` looks for those that whole meshes show. What they show too seldom, or not at all, has another suite to find it
// (`foundBy`; test/simulation/planted-elsewhere.test.ts, test/exhaustive), which must fail with the bug and pass without.
//
// Sources: CORRECTNESS §3.7, whose numbers these are; from PB45 on, bugs that Troupe itself has had.

export interface BugSheet {
  /** What the code does wrong with the switch on. */
  readonly wrong: string;
  /** The rule it breaks. */
  readonly rule: string;
  /** The suite that finds it. Absent: whole simulated meshes do, `troupe sim --planted`. */
  readonly foundBy?: 'small scopes' | 'crash states' | 'raft simulation' | 'scripts';
}

export const plantedBugs = {
  PB01: { wrong: 'a new follower cuts its log at its own high watermark', rule: 'R12' },
  PB02: { wrong: 'a follower joins the in-sync set before it has what its leader began with', rule: 'R13' },
  PB03: { wrong: 'a commit waits for the committed in-sync set only, not for who was proposed', rule: 'R5' },
  PB04: { wrong: 'acknowledgements of an older epoch count', rule: 'R3 R4', foundBy: 'scripts' },
  PB05: { wrong: 'an in-sync set is taken whatever partition and replica epochs it was proposed in', rule: 'R13' },
  PB06: { wrong: 'the high watermark moves on with fewer in sync than the minimum', rule: 'R5' },
  PB07: { wrong: 'eligible replicas stay so while a full in-sync set goes on without them', rule: 'R11' },
  PB08: { wrong: 'a replica that came back without all it had acknowledged stays eligible', rule: 'R17' },
  PB09: { wrong: 'leader and followers acknowledge what they have appended and not yet synced', rule: 'R4 D4' },
  PB10: { wrong: 'a follower acknowledges the end of its log, of which the last is not yet synced', rule: 'R4' },
  PB11: {
    wrong: 'a snapshot is switched to before its directory entry is synced',
    rule: 'D5 D12',
    foundBy: 'crash states',
  },
  PB12: {
    wrong: 'damage in the middle of the journal is cut off like a torn tail',
    rule: 'D9',
    foundBy: 'crash states',
  },
  PB13: { wrong: 'the header of a record is believed without its checksum', rule: 'D2', foundBy: 'crash states' },
  PB14: { wrong: 'a sync that failed is tried again', rule: 'D11', foundBy: 'crash states' },
  PB15: {
    wrong: 'the next batch is built in the buffer that the disk is still writing',
    rule: 'D4',
  },
  PB16: {
    wrong: 'the lease is checked with the time at which the turn began, before the read',
    rule: 'L2',
    foundBy: 'scripts',
  },
  PB17: { wrong: 'a lease counts from when its grant was received', rule: 'L1' },
  PB18: {
    wrong: 'a new leader commits although a lease of the one before may still run',
    rule: 'L5',
  },
  PB19: {
    wrong: 'a new controller takes it that nobody holds a lease which it did not grant itself',
    rule: 'L1 L5',
  },
  PB20: { wrong: 'all rounds that confirm reads have the same number', rule: 'L4 M10', foundBy: 'raft simulation' },
  PB21: { wrong: 'a new leader serves before a record of its epoch is committed', rule: 'R9' },
  PB22: { wrong: 'a vote is sent before it is on disk, where it never gets', rule: 'M6', foundBy: 'raft simulation' },
  PB23: { wrong: 'in the joint phase a majority of the new voters decides alone', rule: 'M8', foundBy: 'small scopes' },
  PB24: {
    wrong: 'the log behind a received snapshot is kept although its entry there is another',
    rule: 'M11',
    foundBy: 'raft simulation',
  },
  PB25: { wrong: 'a snapshot older than what is committed here is installed', rule: 'M11', foundBy: 'raft simulation' },
  PB26: { wrong: 'a snapshot has no sessions in it', rule: 'S4 D12' },
  PB27: { wrong: 'repeated writes are looked for only before they are appended', rule: 'S3' },
  PB28: { wrong: 'a write whose answer the client has confirmed long ago is executed', rule: 'S5' },
  PB39: {
    wrong: 'what was appended and lost its leader is answered as never having happened',
    rule: 'R7',
  },
  PB40: { wrong: 'the hash of the state depends on the order in which it came about', rule: 'R24' },
  PB41: { wrong: 'the commit hold covers only the last deposed leader', rule: 'L5', foundBy: 'small scopes' },
  PB43: { wrong: 'a lease counts before the metadata is applied under which it was granted', rule: 'L1' },
  PB44: {
    wrong: 'leases are granted while an election is proposed and not yet committed',
    rule: 'L5',
    foundBy: 'small scopes',
  },
  PB45: { wrong: 'a late word that logs diverged cuts what was acknowledged since', rule: 'R12', foundBy: 'scripts' },
  PB46: {
    wrong: 'a term entered while a snapshot is stored is recorded as the end of the old log',
    rule: 'M11',
    foundBy: 'raft simulation',
  },
  PB47: {
    wrong: 'a member that is leaving does not campaign, although only it has the log',
    rule: 'M8',
    foundBy: 'raft simulation',
  },
  PB48: { wrong: 'a follower that just died is proposed to be in sync again', rule: 'R13', foundBy: 'scripts' },
  PB49: {
    wrong: 'a new proposal takes the place of an unanswered one in the maximal in-sync set',
    rule: 'R5',
    foundBy: 'scripts',
  },
  PB50: { wrong: 'the leader commits what is on its own disk, and waits for no follower', rule: 'R5' },
  PB51: { wrong: 'the last news of what is committed is sent once, and may be lost', rule: 'R24', foundBy: 'scripts' },
  PB52: {
    wrong: 'a new epoch goes on with the log that the disk, about to start from a snapshot, does not have',
    rule: 'M11',
    foundBy: 'scripts',
  },
  PB53: {
    wrong: 'a follower asks for ever for chunks of a snapshot that its leader gives no more',
    rule: 'M11',
    foundBy: 'scripts',
  },
} as const satisfies Record<string, BugSheet>;

export type PlantedBug = keyof typeof plantedBugs;

/** Those that `troupe sim --planted all` must find. */
export const simulatedBugs: readonly PlantedBug[] = (Object.keys(plantedBugs) as PlantedBug[]).filter((bug) => {
  const sheet: BugSheet = plantedBugs[bug];
  return sheet.foundBy === undefined;
});
