import { expect } from 'chai';
import fc from 'fast-check';
import { encodeMembership } from '../../../messaging/protocol/raft-entry.js';
import { raftMessageEntries, type RaftMessage } from '../../../messaging/protocol/raft-messages.js';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { messageBytes, messageFromBytes } from '../../support/raft-wire.js';

const header = { from: 'host-1#d1', to: 'host-2#d2', term: 300 };
const membership = { voters: ['a', 'b'], outgoing: ['b', 'c'], learners: ['d'] };

const samples: readonly RaftMessage[] = [
  { kind: 'raft-vote', ...header, pre: true, transfer: false, last: { index: 9, term: 2 } },
  { kind: 'raft-vote-reply', ...header, pre: false, granted: true },
  {
    kind: 'raft-append',
    ...header,
    previous: { index: 4, term: 2 },
    commit: 3,
    entries: [
      { index: 5, term: 2, kind: 'command', bytes: new Uint8Array([1, 2]) },
      { index: 6, term: 300, kind: 'no-op', bytes: new Uint8Array(0) },
      { index: 7, term: 300, kind: 'membership', bytes: encodeMembership(membership) },
    ],
  },
  { kind: 'raft-accepted', ...header, match: 7 },
  { kind: 'raft-refused', ...header, previous: 4, conflict: { index: 2, term: 1 } },
  { kind: 'raft-heartbeat', ...header, commit: 3, round: 12 },
  { kind: 'raft-heartbeat-reply', ...header, round: 12 },
  {
    kind: 'raft-snapshot',
    ...header,
    snapshot: 1,
    last: { index: 9, term: 2 },
    membership,
    number: 0,
    count: 2,
    bytes: new Uint8Array([9]),
  },
  { kind: 'raft-snapshot-reply', ...header, snapshot: 1, next: 1 },
  { kind: 'raft-timeout-now', ...header },
];

describe('raft messages', () => {
  it('every kind has a code of its own, 1 … 19, and a sample here', () => {
    const codes = raftMessageEntries.map((entry) => entry.code);
    expect(new Set(codes).size).to.equal(codes.length);
    expect(codes.every((code) => code >= 1 && code <= 19)).to.equal(true);
    expect(samples.map((sample) => sample.kind)).to.have.members(raftMessageEntries.map((entry) => entry.kind));
  });

  for (const sample of samples) {
    it(`${sample.kind} comes back as it was, and no truncation of it does`, () => {
      const bytes = messageBytes(sample);
      expect(messageFromBytes(bytes)).to.deep.equal(sample);
      for (let length = 0; length < bytes.length; length++)
        expect(() => messageFromBytes(bytes.subarray(0, length))).to.throw(DecodeError);
    });
  }

  it('bytes that a log keeps are copies, not views of the frame', () => {
    for (const sample of samples) {
      const bytes = messageBytes(sample);
      const message = messageFromBytes(bytes);
      bytes.fill(0);
      expect(message).to.deep.equal(sample);
    }
  });

  it('flipped bits give a message or a DecodeError', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        (sample, flips) => {
          const bytes = messageBytes(sample);
          for (const [at, value] of flips) bytes[at % bytes.length] = value;
          try {
            messageFromBytes(bytes);
          } catch (error) {
            expect(error).to.be.instanceOf(DecodeError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  const refused: readonly (readonly [string, RaftMessage])[] = [
    [
      'an entry of a later term than its leader',
      {
        kind: 'raft-append',
        ...header,
        previous: { index: 4, term: 2 },
        commit: 3,
        entries: [{ index: 5, term: 301, kind: 'command', bytes: new Uint8Array(0) }],
      },
    ],
    [
      'terms that fall',
      {
        kind: 'raft-append',
        ...header,
        previous: { index: 4, term: 9 },
        commit: 3,
        entries: [{ index: 5, term: 8, kind: 'command', bytes: new Uint8Array(0) }],
      },
    ],
    [
      'a membership that cannot be read',
      {
        kind: 'raft-append',
        ...header,
        previous: { index: 4, term: 2 },
        commit: 3,
        entries: [{ index: 5, term: 2, kind: 'membership', bytes: new Uint8Array([9]) }],
      },
    ],
    ['an empty member id', { kind: 'raft-timeout-now', ...header, from: '' }],
    [
      'members out of order',
      {
        ...(samples[7] as RaftMessage & { kind: 'raft-snapshot' }),
        membership: { voters: ['b', 'a'], outgoing: [], learners: [] },
      },
    ],
    ['a chunk beyond its snapshot', { ...(samples[7] as RaftMessage & { kind: 'raft-snapshot' }), number: 2 }],
  ];
  for (const [title, message] of refused) {
    it(`refuses ${title}`, () => {
      expect(() => messageFromBytes(messageBytes(message))).to.throw(DecodeError);
    });
  }
});
