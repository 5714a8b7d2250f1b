// Messages that stay in one process
// =============================================================================
//
// Between threads a message is copied, between hosts it is encoded. Here it would be the same object, so that a receiver or a
// sender who changed it would change it for the other. Frozen, that fails at once. Byte strings cannot be frozen.

import type { Message } from '../contract/actor.js';

export function sealMessage<M extends Message>(message: M): M {
  freeze(message);
  return message;
}

function freeze(value: object): void {
  if (Object.isFrozen(value) || ArrayBuffer.isView(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) freeze(inner as object);
  }
}
