// Host messages as bytes: CBOR, checked field by field
// =============================================================================

import { decodeControl, encodeControl } from './control.js';
import { hostMessageOf } from './host-message-shape.js';
import { type HostMessage, hostMessageKinds } from './host-messages.js';
import { entry, type MessageEntry } from './message-codec.js';

export const hostMessageEntries: readonly MessageEntry[] = hostMessageKinds.map((kind, i) =>
  entry<HostMessage, typeof kind>(
    kind,
    80 + i,
    (message, writer) => writer.bytes(encodeControl(message)),
    (reader) => hostMessageOf(kind, decodeControl(reader.bytes())),
  ),
);
