import { expect } from 'chai';
import fc from 'fast-check';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { hostMessageOf } from '../../../messaging/protocol/host-message-shape.js';
import { type HostMessage, hostMessageKinds } from '../../../messaging/protocol/host-messages.js';
import { hostMessages } from '../../property/protocol-arbitraries.js';

type Kind = HostMessage['kind'];

describe('host-message-shape', () => {
  it('W1: takes every message as it is, and fields of later versions with it', () => {
    fc.assert(
      fc.property(hostMessages, (message) => {
        expect(hostMessageOf(message.kind, message)).to.deep.equal(message);
        expect(hostMessageOf(message.kind, { ...message, later: [1] })).to.deep.equal({ ...message, later: [1] });
      }),
      { numRuns: 300 },
    );
  });

  it('W1: refuses every message with a field of another type', () => {
    const wrong = fc.constantFrom<unknown>(null, -1, 'x', [], {}, true, 1.5, new Uint8Array(1), [[]], [{}]);
    fc.assert(
      fc.property(hostMessages, fc.nat(), wrong, (message, which, value) => {
        const names = Object.keys(message).filter((name) => name !== 'kind');
        const name = names[which % names.length] as string;
        const changed = { ...message, [name]: value };
        let taken: unknown;
        try {
          taken = hostMessageOf(message.kind, changed);
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError);
          return;
        }
        // Taken: then the value was of the right type after all.
        const original = (message as unknown as Record<string, unknown>)[name];
        expect(taken).to.deep.equal(changed);
        if (original !== undefined) expect(Array.isArray(value)).to.equal(Array.isArray(original));
        if (original !== undefined) expect(typeof value).to.equal(typeof original);
      }),
      { numRuns: 2000 },
    );
  });

  it('W1: refuses what is no map at all, under every kind', () => {
    for (const kind of hostMessageKinds)
      for (const value of [undefined, null, 1, 'text', [], true, new Uint8Array(3)])
        expect(() => hostMessageOf(kind, value), kind).to.throw(DecodeError);
  });

  for (const [kind, value] of [
    ['admin', { request: 1, command: { command: 'no such command' } }],
    ['admin', { request: 1, command: { command: 'toString' } }],
    ['admin', { request: 1, command: { command: 'create-table', name: 5, options: {} } }],
    ['admin', { request: 1, command: { command: 'create-table', name: 't', options: { replicas: 'three' } } }],
    ['admin', { request: 1, command: { command: 'create-table', name: 't' } }],
    ['map-fetch', { request: 2 ** 53, after: 0, waitMs: 0 }],
    ['map-fetch', { request: 1, after: -1, waitMs: 0 }],
    ['map-fetch', { request: 1, after: 0, waitMs: Number.NaN }],
    ['status-fetch', {}],
    ['heartbeat', { host: 'h1', epoch: 1, sentMs: 1, appliedRevision: 1, stalledWorkers: ['0'], draining: false }],
  ] as const)
    it(`W2: refuses ${kind} ${JSON.stringify(value)}`, () => {
      expect(() => hostMessageOf(kind as Kind, value)).to.throw(DecodeError, kind);
    });

  it('W2: times may have a fraction, options may be missing', () => {
    hostMessageOf('map-fetch', { request: 1, after: 0, waitMs: 12.5 });
    hostMessageOf('admin', { request: 1, command: { command: 'create-table', name: 't', options: {} } });
    hostMessageOf('admin', { request: 1, command: { command: 'set-config', key: 'k', value: undefined } });
  });
});
