// What a peer is: a store that is measured, and what is asked of it
// =============================================================================
//
// A peer is a file in `peers/`: it says which program it needs, what its answers promise, the settings that it is started with, word for word, and how
// to start it in an empty folder. The load (load.ts) knows drivers only, and asks each of them in the same way.

/** What an answer means. A ratio without it says little. */
export interface PeerPromise {
  /** Whether a write is on disk (fsync or fdatasync) before it is answered. */
  readonly fsyncBeforeAnswer: boolean;
  /** Servers that have the write when it is answered, at least. */
  readonly copies: string;
  readonly reads: string;
  /** Whether a read sees every write that was answered before it began. Where not, an item that is missing is stale, and no error. */
  readonly isReadCurrent: boolean;
}

/** The client's side of a peer. Both strings are ASCII. What was not acknowledged rejects. */
export interface Driver {
  put(key: string, value: string): Promise<unknown>;
  /** @returns the value, or something nullish when there is none */
  get(key: string): Promise<string | null | undefined>;
  /** The values of `count` items in key order, the first one that of `start`. Absent where there is no such question. */
  scan?(start: string, count: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface ServerPid {
  readonly name: string;
  readonly pid: number;
}

export interface RunningPeer {
  readonly servers: readonly ServerPid[];
  connect(): Promise<Driver>;
  /** Ends every process that it started. May be called twice. */
  stop(): Promise<void>;
}

/** What does not fit the start of this machine: one line, and how to mend it. */
export interface Missing {
  readonly what: string;
  readonly howToInstall: string;
}

export interface Peer {
  readonly name: string;
  /** For tables: short, with what sets it apart. */
  readonly title: string;
  readonly promise: PeerPromise;
  /** Servers, flags and the client, as used: what a stranger needs to repeat it. */
  readonly settings: readonly string[];
  readonly canScan: boolean;
  /** Undefined when it can be started here. */
  missing(): Promise<Missing | undefined>;
  /** Of servers and client library. REQUIRES that nothing is missing. */
  versions(): Promise<Readonly<Record<string, string>>>;
  /** @param directory empty, on a real disk, and the caller's: it is removed afterwards */
  start(directory: string, signal: AbortSignal): Promise<RunningPeer>;
}
