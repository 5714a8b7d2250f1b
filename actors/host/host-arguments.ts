// What the host process gives its agent and its managers at spawning
// =============================================================================

import { decodeControl, encodeControl } from '../../messaging/protocol/control.js';

/** Where a metadata peer may be found. */
export interface MemberSeed {
  /** See actors/metadata/member-id.ts. */
  readonly id: string;
  readonly host: string;
}

export interface AgentArguments {
  readonly clusterId: string;
  readonly host: string;
  /** Chosen by this process at start, never used again. */
  readonly startId: string;
  /** Identity of the data directory. */
  readonly diskId: string;
  readonly workers: number;
  /** Empty when nobody said. */
  readonly rack: string;
  readonly pid: number;
  /** Troupe's version. */
  readonly version: string;
  /** Members of the metadata group as this host last knew them; where to begin asking. */
  readonly members: readonly MemberSeed[];
}

export interface ManagerArguments {
  readonly clusterId: string;
  readonly host: string;
  readonly startId: string;
  readonly diskId: string;
  readonly members: readonly MemberSeed[];
}

export function encodeAgentArguments(values: AgentArguments): Uint8Array {
  return encodeControl(values);
}

export function decodeAgentArguments(bytes: Uint8Array): AgentArguments {
  return decodeControl(bytes) as AgentArguments;
}

export function encodeManagerArguments(values: ManagerArguments): Uint8Array {
  return encodeControl(values);
}

export function decodeManagerArguments(bytes: Uint8Array): ManagerArguments {
  return decodeControl(bytes) as ManagerArguments;
}
