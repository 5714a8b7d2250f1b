import { expect } from 'chai';
import fc from 'fast-check';

import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { FrameWriter, readFrame } from '../../../runtime/threads/link-frame.js';
import { textCodec } from '../../support/text-codec.js';

function read(frame: ArrayBuffer): string[] {
  const found: string[] = [];
  readFrame(frame, textCodec, {
    lost: () => found.push('lost'),
    message: (to, from, message) => found.push(`${from}>${to} ${JSON.stringify(message)}`),
  });
  return found;
}

describe('runtime/threads: link frames', () => {
  it('gives back what was added, in order, in a buffer that holds nothing else', () => {
    const writer = new FrameWriter(textCodec);
    writer.add('b', 'a', { kind: 'one' });
    writer.add('c', 'a', { kind: 'two' });
    const frame = writer.finish(false);
    expect(read(frame)).deep.equals(['a>b {"kind":"one"}', 'a>c {"kind":"two"}']);
    expect(writer.envelopes).equals(0);
    expect(read(writer.finish(true))).deep.equals(['lost']);
  });

  it('refuses any other bytes with a DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          read(bytes.slice().buffer);
        } catch (error) {
          expect(error).instanceOf(DecodeError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
