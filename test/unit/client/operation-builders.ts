// Operations for tests, short
// =============================================================================

import type { Consistency } from '../../../messaging/protocol/client-messages.js';
import type { ReadRequest, WriteRequest } from '../../../messaging/client/core/operations.js';
import { encodeKey } from '../../../messaging/protocol/key.js';
import { encodeValue } from '../../../messaging/protocol/value.js';

export function put(id: number, key: string, more: Partial<WriteRequest> = {}): WriteRequest {
  return {
    kind: 'write',
    id,
    table: 't',
    operation: 'put',
    key: encodeKey(key),
    value: encodeValue(id),
    ifVersion: undefined,
    durability: undefined,
    timeoutMs: 5000,
    ...more,
  };
}

export function get(id: number, key: string, consistency: Consistency = 'linearizable', timeoutMs = 5000): ReadRequest {
  return { kind: 'read', id, table: 't', key: encodeKey(key), consistency, timeoutMs };
}
