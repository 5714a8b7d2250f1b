// How a host process ends
// =============================================================================
//
// Whoever supervises the process (mesh, systemd, Kubernetes) starts it again on any of them; the code and the last line say why it
// ended. From 64 up they are those of sysexits(3), and none is among the codes of the command line (INTERFACES §2).

export const hostExitCodes = {
  /** Stopped on request, everything handed over and closed in order. */
  stopped: 0,
  /** Something in the main thread threw: a bug. */
  failed: 1,
  /** A worker could not bring its actors back from what is on disk (EX_DATAERR). */
  unrecoverable: 65,
  /** The main thread's transport could not be connected at start (EX_UNAVAILABLE). */
  unreachable: 69,
  /** A worker died too often, or an actor of the main thread crashed too often (EX_SOFTWARE). */
  restartsExhausted: 70,
  /** A write or sync failed; the directory is tainted (D11, EX_IOERR). */
  storageFailed: 74,
  /** What it was started with cannot work: another cluster's directory, another worker count, no such module, damage to the only copy (EX_CONFIG). */
  refused: 78,
} as const;

export type HostExitCode = (typeof hostExitCodes)[keyof typeof hostExitCodes];

export interface HostEnd {
  readonly exitCode: HostExitCode;
  /** One line, for people. */
  readonly reason: string;
}

/** Thrown where a host cannot be started or cannot go on, with the code that its process ends with. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly exitCode: HostExitCode;

  constructor(exitCode: HostExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The disk is another one than it was thought to be, since worker 0's journal had to be begun again: start as that one. */
export class OtherDiskError extends HostError {
  readonly diskId: string;

  constructor(diskId: string, message: string) {
    super(hostExitCodes.storageFailed, message);
    this.diskId = diskId;
  }
}
