// Frames as the link layer makes them, to see that damaged ones are refused
// =============================================================================
//
// The simulated network loses a frame that a fault garbles or cuts short. Before that it shows the bytes here: packed as production packs
// them, damaged, and read as production reads them.
//
// Sources: CORRECTNESS T1, §3.2 N11–N12; messaging/protocol/frame.ts F1.

import { decodeFrame, FrameWriter, noGrant, readMessages, stampFrame } from '../../messaging/protocol/frame.js';
import { protocolCodec } from '../../messaging/protocol/codec.js';
import { crc32 } from '../../runtime/std/crc32.js';
import { DecodeError } from '../../runtime/std/byte-reader.js';
import type { FrameCodec } from '../../runtime/simulation/simulated-network.js';

const clusterIdBytes = 16;

export const frameCheck: FrameCodec = {
  pack: ({ from, to }, envelopes, messages) => {
    const writer = new FrameWriter(from, to);
    envelopes.forEach((envelope, i) => {
      const message = messages[i];
      if (message !== undefined && !writer.isFull) writer.add(envelope.to.actor, envelope.from.actor, message);
    });
    const bytes = writer.finish();
    const stamp = { clusterId: new Uint8Array(clusterIdBytes), instance: 1, epoch: 1, hostEpoch: 1, sequence: 1 };
    stampFrame(bytes, { ...stamp, kind: 'messages', position: 0, grant: noGrant, answer: false }, crc32);
    return bytes;
  },
  refuses: (bytes) => {
    try {
      readMessages(decodeFrame(bytes, crc32), protocolCodec);
      return false;
    } catch (error) {
      if (error instanceof DecodeError) return true;
      throw error;
    }
  },
};
