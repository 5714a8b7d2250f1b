// A codec for tests of the runtime, which know no protocol: JSON
// =============================================================================

import type { Message } from '../../runtime/contract/actor.js';
import type { MessageCodec } from '../../runtime/contract/transport.js';
import { AssertionError } from '../../runtime/std/assert.js';
import { DecodeError } from '../../runtime/std/byte-reader.js';

export const textCodec: MessageCodec = {
  encode(message: Message): Uint8Array {
    if (message.kind === 'unencodable') throw new AssertionError('no encoding for unencodable');
    return new TextEncoder().encode(JSON.stringify(message));
  },
  decode(bytes: Uint8Array): Message {
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Message;
    } catch (error) {
      throw new DecodeError(`no message: ${String(error)}`);
    }
  },
};
