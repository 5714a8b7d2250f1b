// Control messages as CBOR
// =============================================================================
//
// cbor-x behind a strict wrapper: what arrives is scanned for depth, counts, tags and definite lengths before it is decoded, and
// everything comes out as plain data. Values (value.ts) have a codec of their own.

import { Decoder, Encoder } from 'cbor-x';
import { DecodeError } from '../../runtime/std/byte-reader.js';
import { scanCbor } from './cbor-scan.js';

// useRecords alone corrupts objects with 65,536 keys and more; variableMapSize mends it. Both are per DEPENDENCIES §1.4.
const encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false });
const decoder = new Decoder({ useRecords: false, mapsAsObjects: true, copyBuffers: true });

/** The bytes are the caller's own. */
export function encodeControl(value: unknown): Uint8Array {
  // The encoder hands out slices of one growing buffer that it keeps: copy, or a small message pins a big buffer.
  return Uint8Array.prototype.slice.call(encoder.encode(value));
}

/** @throws DecodeError */
export function decodeControl(bytes: Uint8Array): unknown {
  scanCbor(bytes, { depthMax: 16, tags: [] });
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new DecodeError('not a control message', { cause });
  }
}
