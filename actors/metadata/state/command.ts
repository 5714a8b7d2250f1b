// Commands of the cluster-map state machine, and their bytes
// =============================================================================
//
// A command is a Raft entry's payload. It is proposed by the controller or on behalf of whoever asked, and decided only when it is
// applied: everything in it that was true at proposal is checked again (M14).
//
// Format: CBOR [version, command]. A version above ours is refused by a crash: applying it differently from the others would
// be worse than not applying it.

import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { decodeControl, encodeControl } from '../../../messaging/protocol/control.js';
import { type ReplicaReport, replicaVerdicts, type TableOptions } from '../../../messaging/protocol/host-messages.js';

export const commandVersion = 1;

/**
 * Commit holds for partitions that this command may give a new leader: [partition, ms] (L5). A partition that is not named gets the
 * whole lease wait, which is always enough.
 */
export type Holds = readonly (readonly [partition: number, holdMs: number])[];

export interface RegisterHost {
  readonly kind: 'register-host';
  readonly host: string;
  readonly startId: string;
  readonly diskId: string;
  readonly workers: number;
  readonly rack: string;
  readonly pid: number;
  readonly version: string;
  /** The epoch that it replaces; 0 for a host never heard of. */
  readonly after: number;
  /** The process before is proven to be gone (L5). */
  readonly dead: boolean;
  readonly replicas: readonly ReplicaReport[];
  readonly holds: Holds;
}

export interface RegisterReplicas {
  readonly kind: 'register-replicas';
  readonly host: string;
  readonly epoch: number;
  readonly replicas: readonly ReplicaReport[];
  readonly holds: Holds;
}

export interface Elect {
  readonly kind: 'elect';
  readonly cause: ElectionCause;
  readonly partitions: readonly {
    readonly partition: number;
    /** Compared: an election decided on a map that has changed since does nothing. */
    readonly partitionEpoch: number;
    /** Hosts that are not to lead now although they may (stalled workers, draining). */
    readonly avoid: readonly string[];
  }[];
  readonly holds: Holds;
}

export const electionCauses = ['leaderless', 'preferred', 'stalled', 'drain'] as const;
export type ElectionCause = (typeof electionCauses)[number];

export type MetadataCommand =
  | RegisterHost
  | RegisterReplicas
  /** `dead`: its process is proven to be gone, so that it holds no lease (L5). */
  | {
      readonly kind: 'fence-host';
      readonly host: string;
      readonly epoch: number;
      readonly dead: boolean;
      readonly holds: Holds;
    }
  | { readonly kind: 'unfence-host'; readonly host: string; readonly epoch: number; readonly holds: Holds }
  /** `epoch` 0: an administrator drains for good, until told otherwise. Else this process of the host is about to stop. */
  | { readonly kind: 'drain-host'; readonly host: string; readonly epoch: number; readonly drain: boolean }
  | { readonly kind: 'remove-host'; readonly host: string }
  | {
      readonly kind: 'create-table';
      readonly name: string;
      readonly options: TableOptions;
      readonly ifMissing: boolean;
    }
  | { readonly kind: 'delete-table'; readonly name: string }
  | {
      readonly kind: 'change-in-sync';
      readonly partition: number;
      readonly leader: string;
      readonly leaderReplicaEpoch: number;
      readonly leaderEpoch: number;
      readonly partitionEpoch: number;
      readonly inSync: readonly { readonly host: string; readonly epoch: number }[];
    }
  | Elect
  /** R15: first the new replica, if any; the old one, if any, goes when that is in sync. */
  | {
      readonly kind: 'start-move';
      readonly partition: number;
      readonly partitionEpoch: number;
      readonly add: string | undefined;
      readonly remove: string | undefined;
    }
  | {
      readonly kind: 'finish-move';
      readonly partition: number;
      readonly partitionEpoch: number;
      readonly holds: Holds;
    }
  | { readonly kind: 'cancel-move'; readonly partition: number; readonly partitionEpoch: number }
  /** For tables whose options were left to us: more copies as hosts join. */
  | { readonly kind: 'grow-table'; readonly name: string; readonly replicas: number; readonly minInSync: number }
  /** The leases that the leader's hold waits for are over, sooner than was to be expected (L5). */
  | {
      readonly kind: 'release-hold';
      readonly partitions: readonly { readonly partition: number; readonly leaderEpoch: number }[];
    }
  /** Leases of leaders deposed up to this revision are over: they need not be waited for any more (L5). */
  | { readonly kind: 'settle-deposed'; readonly through: number }
  | { readonly kind: 'set-config'; readonly key: string; readonly value: string | undefined };

export function encodeCommand(command: MetadataCommand): Uint8Array {
  return encodeControl([
    commandVersion,
    hasReports(command) ? { ...command, replicas: command.replicas.map(pack) } : command,
  ]);
}

/** @throws DecodeError */
export function decodeCommand(bytes: Uint8Array): MetadataCommand {
  const decoded = decodeControl(bytes);
  if (!Array.isArray(decoded) || decoded.length !== 2) throw new DecodeError('no metadata command');
  const [version, content] = decoded as [unknown, unknown];
  if (version !== commandVersion) throw new DecodeError(`a metadata command of version ${String(version)}`);
  const command = content as MetadataCommand;
  if (!hasReports(command)) return command;
  return { ...command, replicas: (command.replicas as unknown as PackedReport[]).map(unpack) };
}

// A host may report many thousand replicas, and an entry has at most 1 MiB: reports are packed without the names of their fields.

type PackedReport = readonly [number, number, number, number, number, number];

function hasReports(command: MetadataCommand): command is RegisterHost | RegisterReplicas {
  return command.kind === 'register-host' || command.kind === 'register-replicas';
}

function pack({ partition, incarnation, verdict, lineage, lastEpoch, end }: ReplicaReport): PackedReport {
  return [partition, incarnation, replicaVerdicts.indexOf(verdict), lineage, lastEpoch, end];
}

function unpack([partition, incarnation, verdict, lineage, lastEpoch, end]: PackedReport): ReplicaReport {
  // A verdict of a later version is the worst: nothing is taken for complete that may not be.
  return { partition, incarnation, verdict: replicaVerdicts[verdict] ?? 'incomplete', lineage, lastEpoch, end };
}
