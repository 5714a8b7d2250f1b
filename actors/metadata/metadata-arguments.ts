// What a metadata peer is created with; journaled with its stream
// =============================================================================

import { decodeControl, encodeControl } from '../../messaging/protocol/control.js';

export const metadataKind = 'metadata';

export interface MetadataArguments {
  readonly clusterId: string;
  /** This member: `memberIdOf` its host and disk. */
  readonly memberId: string;
  /** Members that found the group, the same at all of them. Empty for one that joins: it waits to be added by the leader. */
  readonly founders: readonly { readonly id: string; readonly host: string }[];
}

export function encodeMetadataArguments(values: MetadataArguments): Uint8Array {
  return encodeControl(values);
}

export function decodeMetadataArguments(bytes: Uint8Array): MetadataArguments {
  return decodeControl(bytes) as MetadataArguments;
}
