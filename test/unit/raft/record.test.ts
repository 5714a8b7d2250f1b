import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeRecord,
  decodeSnapshotMeta,
  encodeRecord,
  encodeSnapshotMeta,
  type RaftRecord,
} from '../../../actors/metadata/raft/record.js';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { fromHex, toHex } from '../../../runtime/std/bytes.js';

const samples: readonly (readonly [string, RaftRecord, string])[] = [
  [
    'term, vote and log end in one record (M6)',
    {
      kind: 'log',
      term: 7,
      vote: 'a',
      base: { index: 300, term: 6 },
      entries: [
        { index: 301, term: 7, kind: 'no-op', bytes: new Uint8Array(0) },
        { index: 302, term: 7, kind: 'command', bytes: new Uint8Array([0xff]) },
      ],
    },
    '01070161ac020602070000070101ff',
  ],
  [
    'no vote, no entries',
    { kind: 'rebase', term: 2, vote: undefined, base: { index: 5, term: 1 }, entries: [] },
    '020200050100',
  ],
  ['a vote', { kind: 'vote', term: 3, vote: 'b', base: { index: 5, term: 1 }, entries: [] }, '04030162050100'],
  [
    'a founded group',
    { kind: 'bootstrap', membership: { voters: ['a', 'b'], outgoing: [], learners: ['c'] } },
    '03020161016200010163',
  ],
];

describe('raft records', () => {
  for (const [title, record, hex] of samples) {
    it(`golden: ${title}`, () => {
      expect(toHex(encodeRecord(record))).to.equal(hex);
      expect(decodeRecord(fromHex(hex))).to.deep.equal(record);
    });

    it(`${title}: every truncation is refused`, () => {
      const bytes = fromHex(hex);
      for (let length = 0; length < bytes.length; length++)
        expect(() => decodeRecord(bytes.subarray(0, length))).to.throw(DecodeError);
      expect(() => decodeRecord(new Uint8Array([...bytes, 0]))).to.throw(DecodeError);
    });
  }

  it('arbitrary bytes are a record or a DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const decode of [decodeRecord, decodeSnapshotMeta]) {
          try {
            decode(bytes);
          } catch (error) {
            expect(error).to.be.instanceOf(DecodeError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('M11: snapshot facts come back as they were', () => {
    const meta = { last: { index: 9, term: 4 }, membership: { voters: ['a'], outgoing: ['b'], learners: [] } };
    expect(decodeSnapshotMeta(encodeSnapshotMeta(meta))).to.deep.equal(meta);
  });
});
