// The wire format under arbitrary input: codecs, frames, chunks, subjects
//
// fast-check prints the seed and path of a failure.

import { expect } from 'chai';
import fc from 'fast-check';
import type { Message } from '../../runtime/contract/actor.js';
import { crc32 } from '../../runtime/std/crc32.js';
import { DecodeError } from '../../runtime/std/byte-reader.js';
import { cutFrame, decodeChunk } from '../../messaging/protocol/chunk.js';
import { protocolCodec } from '../../messaging/protocol/codec.js';
import { scanCbor } from '../../messaging/protocol/cbor-scan.js';
import { decodeControl, encodeControl } from '../../messaging/protocol/control.js';
import { decodeFrame, type FrameStamp, FrameWriter, readMessages, stampFrame } from '../../messaging/protocol/frame.js';
import { senderOf, subjectOf, subjectsFor } from '../../messaging/protocol/subject.js';
import { ChunkAssembly } from '../../messaging/transport/chunk-assembly.js';
import { defaultLinkLimits } from '../../messaging/transport/link-limits.js';
import { handWrittenMessages, hostMessages } from './protocol-arbitraries.js';

const anyMessage: fc.Arbitrary<Message> = fc.oneof({ weight: 4, arbitrary: handWrittenMessages }, hostMessages);

/** Calls and says whether it was refused; anything but a DecodeError is thrown on. */
function refuses(decode: () => unknown): boolean {
  try {
    decode();
    return false;
  } catch (error) {
    if (error instanceof DecodeError) return true;
    throw error;
  }
}

type Mutation =
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly value: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array };

/** Bytes made from others by cutting, flipping, repeating and overwriting. */
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(), value: fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }),
  }),
);

function mutate(bytes: Uint8Array, how: Mutation): Uint8Array {
  const at = bytes.length === 0 ? 0 : how.at % bytes.length;
  if (how.kind === 'cut') return bytes.slice(0, at);
  if (how.kind === 'insert') return new Uint8Array([...bytes.subarray(0, at), ...how.bytes, ...bytes.subarray(at)]);
  const copy = bytes.slice();
  copy[at] = how.kind === 'flip' ? (copy[at] as number) ^ (1 << how.bit) : how.value;
  return copy;
}

const place = fc.oneof(
  fc.record({ host: fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/), worker: fc.constantFrom(0, 1, 63, 255) }),
  fc.record({ host: fc.stringMatching(/^@[a-z][a-z0-9]{0,5}$/), worker: fc.constant(0) }),
);
const safe = fc.maxSafeNat();
const stamp: fc.Arbitrary<FrameStamp> = fc.record({
  kind: fc.constantFrom('messages' as const, 'control' as const, 'datagram' as const),
  clusterId: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: undefined }),
  instance: safe,
  epoch: fc.nat(0xffffffff),
  hostEpoch: safe,
  sequence: safe,
  position: safe,
  grant: fc.record({ instance: safe, epoch: fc.nat(0xffffffff), limit: safe, settled: safe }),
  answer: fc.boolean(),
});
const frame = fc
  .record({
    from: place,
    to: place,
    stamp,
    messages: fc.array(
      fc.record({
        toActor: fc.string({ maxLength: 20 }),
        fromActor: fc.string({ maxLength: 20 }),
        message: anyMessage,
      }),
      { maxLength: 4 },
    ),
  })
  .map((input) => {
    const writer = new FrameWriter(input.from, input.to);
    for (const { toActor, fromActor, message } of input.messages)
      writer.add(toActor, fromActor, protocolCodec.encode(message));
    const bytes = writer.finish();
    stampFrame(bytes, input.stamp, crc32);
    return { ...input, bytes };
  });

describe('protocol properties', () => {
  it('a message is what was sent, and encodes to the same bytes again', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const bytes = protocolCodec.encode(message);
        const decoded = protocolCodec.decode(bytes);
        expect(decoded).to.deep.equal(message);
        expect(protocolCodec.encode(decoded)).to.deep.equal(bytes);
      }),
      { numRuns: 1500 },
    );
  });

  it('codec Q2: a mutated message is refused or is a message; nothing else happens', () => {
    fc.assert(
      fc.property(anyMessage, fc.array(mutation, { minLength: 1, maxLength: 3 }), (message, mutations) => {
        const bytes = mutations.reduce(mutate, protocolCodec.encode(message));
        let decoded: Message | undefined;
        if (refuses(() => (decoded = protocolCodec.decode(bytes)))) return;
        expect(decoded?.kind).to.be.a('string');
      }),
      { numRuns: 4000 },
    );
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
  });

  it('codec Q2: random bytes under every code are refused or are a message', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 64 }), (code, body) => {
        refuses(() => protocolCodec.decode(new Uint8Array([code, ...body])));
      }),
      { numRuns: 4000 },
    );
  });

  it('cbor-scan C1 C2 C3: what the scan accepts, the decoder takes, and what it refuses is refused by name', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        if (refuses(() => scanCbor(bytes, { depthMax: 16, tags: [] }))) {
          expect(refuses(() => decodeControl(bytes))).to.equal(true);
        } else refuses(() => decodeControl(bytes));
      }),
      { numRuns: 4000 },
    );
  });

  it('control values come back as they were', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger(),
        fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
        fc.string(),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((k) => k !== '__proto__'),
          tie('value'),
          {
            maxKeys: 4,
            noNullPrototype: true,
          },
        ),
      ),
    })).value;
    fc.assert(
      fc.property(value, (input) => {
        expect(decodeControl(encodeControl(input))).to.deep.equal(input);
      }),
      { numRuns: 500 },
    );
  });

  it('a frame is what was sent', () => {
    fc.assert(
      fc.property(frame, ({ from, to, stamp: sent, messages, bytes }) => {
        const decoded = decodeFrame(bytes, crc32);
        expect(decoded).to.deep.include({ ...sent, from, to, messageCount: messages.length, length: bytes.length });
        expect(readMessages(decoded, protocolCodec)).to.deep.equal({ messages, skipped: 0 });
      }),
      { numRuns: 500 },
    );
  });

  it('frame F1: a frame with anything changed is refused', () => {
    fc.assert(
      fc.property(frame, mutation, ({ bytes }, how) => {
        const changed = mutate(bytes, how);
        fc.pre(changed.length !== bytes.length || changed.some((byte, i) => byte !== bytes[i]));
        expect(refuses(() => decodeFrame(changed, crc32))).to.equal(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('frame F2: a frame with a right checksum over wrong content is refused or read, nothing else', () => {
    fc.assert(
      fc.property(frame, fc.array(mutation, { minLength: 1, maxLength: 3 }), ({ bytes }, mutations) => {
        const body = mutations.reduce(mutate, bytes.slice(0, -4));
        const sealed = new Uint8Array(body.length + 4);
        sealed.set(body);
        new DataView(sealed.buffer).setUint32(body.length, crc32(body), true);
        refuses(() => readMessages(decodeFrame(sealed, crc32), protocolCodec));
      }),
      { numRuns: 3000 },
    );
  });

  it('chunk H1 H2: a frame cut anyhow comes out whole, and a mutated chunk never counts', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 3000 }),
        fc.integer({ min: 60, max: 800 }),
        fc.nat(100),
        mutation,
        (bytes, chunkBytes, victim, how) => {
          const chunks = cutFrame(bytes, chunkBytes, 5, 6, crc32);
          const assembly = new ChunkAssembly(defaultLinkLimits);
          let whole: Uint8Array | undefined;
          for (const chunk of chunks) {
            expect(chunk.length).to.be.at.most(chunkBytes);
            whole = assembly.accept('h1', decodeChunk(chunk, crc32));
          }
          expect(whole).to.deep.equal(bytes);
          expect(assembly.bytes).to.equal(0);
          const chunk = chunks[victim % chunks.length] as Uint8Array;
          const changed = mutate(chunk, how);
          fc.pre(changed.length !== chunk.length || changed.some((byte, i) => byte !== chunk[i]));
          expect(refuses(() => decodeChunk(changed, crc32))).to.equal(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('chunk H2: random header fields with a right checksum are refused or agree with each other', () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.nat(20),
        fc.nat(200),
        fc.uint8Array({ minLength: 1, maxLength: 50 }),
        (index, count, frameBytes, piece) => {
          const bytes = new Uint8Array(40 + piece.length);
          bytes.set([0x54, 0x52, 0x50, 0x43, 1, 0, 0, 0, 1]);
          const view = new DataView(bytes.buffer);
          view.setUint32(24, index, true);
          view.setUint32(28, count, true);
          view.setUint32(32, frameBytes, true);
          bytes.set(piece, 36);
          view.setUint32(36 + piece.length, crc32(bytes.subarray(0, 36 + piece.length)), true);
          if (refuses(() => decodeChunk(bytes, crc32))) return;
          expect(index).to.be.lessThan(count);
          expect(piece.length).to.be.at.most(frameBytes);
          expect(
            Math.ceil(
              frameBytes /
                (count === 1
                  ? frameBytes
                  : index < count - 1
                    ? piece.length
                    : (frameBytes - piece.length) / (count - 1)),
            ),
          ).to.equal(count);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('subject N1: the sender is read back, and no text makes a subject of another shape', () => {
    fc.assert(
      fc.property(place, place, (from, to) => {
        const subject = subjectOf('c', from, to);
        if (subject === undefined) return;
        expect(subject).to.match(/^[A-Za-z0-9_.-]+$/);
        const sender = senderOf(subject);
        expect(sender?.host).to.equal(from.host);
        if (sender?.worker !== undefined) expect(sender.worker).to.equal(from.worker);
        const listens = subjectsFor('c', to).some(({ subject: pattern }) =>
          new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`).test(subject),
        );
        expect(listens).to.equal(true);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        const sender = senderOf(text);
        if (sender !== undefined) expect(text).to.match(/^troupe\.[A-Za-z0-9_.-]+$/);
        const subject = subjectOf('c', { host: 'h1', worker: 0 }, { host: text, worker: 0 });
        if (subject !== undefined) expect(subject.split('.')).to.have.length(6);
      }),
      { numRuns: 500 },
    );
  });
});
