import { expect } from 'chai';
import { AssertionError } from '../../../runtime/std/assert.js';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../../runtime/std/byte-writer.js';
import { clientMessageEntries } from '../../../messaging/protocol/client-messages.js';
import { codecOf, protocolCodec } from '../../../messaging/protocol/codec.js';
import { hostMessageEntries } from '../../../messaging/protocol/host-message-codec.js';
import { entry } from '../../../messaging/protocol/message-codec.js';
import { raftMessageEntries } from '../../../messaging/protocol/raft-messages.js';
import { replicationMessageEntries } from '../../../messaging/protocol/replication-messages.js';
import { messageKinds } from '../../property/protocol-arbitraries.js';

type Ping = { readonly kind: 'ping'; readonly n: number } | { readonly kind: 'pong'; readonly n: number };

const ping = (kind: 'ping' | 'pong', code: number) =>
  entry<Ping, typeof kind>(
    kind,
    code,
    (m, w) => w.varint(m.n),
    (r) => ({ kind, n: r.varint() }),
  );

describe('codec', () => {
  it('Q1: refuses a code or a kind that is given twice, and a code that is no byte', () => {
    expect(() => codecOf([[ping('ping', 1), ping('pong', 1)]])).to.throw(AssertionError, 'Q1');
    expect(() => codecOf([[ping('ping', 1)], [ping('ping', 2)]])).to.throw(AssertionError, 'Q1');
    for (const code of [0, 256, 1.5]) expect(() => codecOf([[ping('ping', code)]])).to.throw(AssertionError, 'Q1');
  });

  it('Q2: refuses an unknown code, a short body and a long one', () => {
    const codec = codecOf([[ping('ping', 7)]]);
    expect(codec.decode(codec.encode({ kind: 'ping', n: 300 } as Ping))).to.deep.equal({ kind: 'ping', n: 300 });
    for (const bytes of [[], [8, 1], [7], [7, 0x80], [7, 1, 0]])
      expect(() => codec.decode(new Uint8Array(bytes)), String(bytes)).to.throw(DecodeError);
  });

  it('a message without an encoding is a programmer’s error', () => {
    expect(() => protocolCodec.encode({ kind: 'nonsense' })).to.throw(AssertionError, 'nonsense');
  });

  it('writes into a buffer what it encodes', () => {
    const message = { kind: 'status-fetch', request: 5 } as { readonly kind: string };
    const writer = new ByteWriter();
    protocolCodec.write(message, writer);
    expect(writer.finish()).to.deep.equal(protocolCodec.encode(message));
  });

  it('codes are in the ranges of their tables, and for ever', () => {
    const codes = (table: readonly { readonly kind: string; readonly code: number }[]) =>
      table.map(({ kind, code }) => `${code} ${kind}`);
    for (const [table, min, max] of [
      [raftMessageEntries, 1, 19],
      [replicationMessageEntries, 20, 39],
      [clientMessageEntries, 40, 79],
      [hostMessageEntries, 80, 119],
    ] as const) {
      for (const { kind, code } of table) expect(code, kind).to.be.within(min, max);
    }
    expect(codes([...raftMessageEntries, ...replicationMessageEntries, ...clientMessageEntries])).to.deep.equal([
      '1 raft-vote',
      '2 raft-vote-reply',
      '3 raft-append',
      '4 raft-accepted',
      '5 raft-refused',
      '6 raft-heartbeat',
      '7 raft-heartbeat-reply',
      '8 raft-snapshot',
      '9 raft-snapshot-reply',
      '10 raft-timeout-now',
      '20 replicate',
      '21 replicated',
      '22 reconcile',
      '23 reconciled',
      '24 diverged',
      '25 snapshot-offer',
      '26 snapshot-chunk',
      '27 snapshot-wanted',
      '28 epoch-fenced',
      '29 confirm',
      '30 confirmed',
      '40 open-session',
      '41 write',
      '42 read',
      '43 scan',
      '50 session-opened',
      '51 written',
      '52 read-done',
      '53 scan-done',
      '54 refused',
    ]);
    expect(codes(hostMessageEntries).slice(0, 23)).to.deep.equal([
      '80 register',
      '81 registered',
      '82 heartbeat',
      '83 lease',
      '84 agent-refused',
      '85 worker-ready',
      '86 registered-as',
      '87 register-replicas',
      '88 partition-metadata',
      '89 map-fetch',
      '90 map-reply',
      '91 status-fetch',
      '92 status-reply',
      '93 replica-status-fetch',
      '94 replica-status',
      '95 admin',
      '96 admin-reply',
      '97 change-in-sync',
      '98 in-sync-changed',
      '99 confirm-epoch',
      '100 epoch-confirmed',
      '101 host-died',
      '102 registration-fetch',
    ]);
  });

  it('the property tests make messages of every hand-written kind', () => {
    const kinds = [...raftMessageEntries, ...replicationMessageEntries, ...clientMessageEntries].map(
      ({ kind }) => kind,
    );
    expect(messageKinds.toSorted((a, b) => (a < b ? -1 : 1))).to.deep.equal(kinds.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it('limits: declared counts and lengths beyond their bound are refused before anything is allocated', () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x07]; // 2^45 or so, in seven bytes
    for (const [what, bytes] of [
      ['ops of a write', [41, 1, 1, 1, 0, ...huge]],
      ['keys of a read', [42, 1, 1, 0, 0, 0, ...huge]],
      ['a key', [42, 1, 1, 0, 0, 0, 1, ...huge]],
      ['batches of a replicate', [20, 1, 0, 1, 1, 1, 0, 0, 0, ...huge]],
      ['items of a scan', [53, 1, 1, 0, 0, ...huge]],
      ['a control body', [80, ...huge]],
      ['entries of an append', [3, 1, 0x61, 1, 0x62, 1, 0, 0, 0, ...huge]],
      ['an empty key in a write', [41, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0]],
      ['an unknown word', [42, 1, 1, 9, 0, 0, 0]],
    ] as const)
      expect(() => protocolCodec.decode(new Uint8Array(bytes)), what).to.throw(DecodeError);
  });
});
