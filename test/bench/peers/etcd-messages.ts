// etcd's messages: KV Put and Range, Maintenance Status
// =============================================================================
//
// Field numbers are those of etcd's rpc.proto and kv.proto:
//
//   PutRequest      key 1, value 2
//   RangeRequest    key 1, range_end 2, limit 3, serializable 7 (absent: linearizable)
//   RangeResponse   header 1, kvs 2, more 3, count 4
//   KeyValue        key 1, create_revision 2, mod_revision 3, version 4, value 5
//   StatusResponse  header 1, version 2, db_size 3, leader 4
//   ResponseHeader  cluster_id 1, member_id 2, revision 3, raft_term 4

import { bytesField, fieldsOf, uintField } from './protobuf.js';

/** A range_end of one zero byte: every key from `key` on. */
const endOfAll = '\0';

export function encodePut(key: string, value: string): Buffer {
  return Buffer.concat([bytesField(1, key), bytesField(2, value)]);
}

export function encodeGet(key: string): Buffer {
  return bytesField(1, key);
}

export function encodeScan(start: string, limit: number): Buffer {
  return Buffer.concat([bytesField(1, start), bytesField(2, endOfAll), uintField(3, limit)]);
}

/** The values of a RangeResponse, in its order. */
export function decodeValues(response: Buffer): string[] {
  const values: string[] = [];
  for (const field of fieldsOf(response))
    if (field.number === 2 && field.bytes !== undefined) values.push(valueOf(field.bytes));
  return values;
}

function valueOf(keyValue: Buffer): string {
  for (const field of fieldsOf(keyValue))
    if (field.number === 5 && field.bytes !== undefined) return field.bytes.toString('utf8');
  return ''; // protobuf leaves out what is empty
}

/** Whether the member that gave this StatusResponse leads; undefined when nobody does. */
export function decodeLeads(response: Buffer): boolean | undefined {
  let leader = '0';
  let member = '';
  for (const field of fieldsOf(response)) {
    if (field.number === 4) leader = field.text;
    if (field.number === 1 && field.bytes !== undefined)
      for (const inner of fieldsOf(field.bytes)) if (inner.number === 2) member = inner.text;
  }
  return leader === '0' ? undefined : leader === member;
}
