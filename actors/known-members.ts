// What a host remembers of the metadata group
// =============================================================================
//
// A host that is no member and starts again knows the founders that it was given, and none of them may be left: the group has grown to others, and
// nobody would ever find it. So whom its actors learned of (host/members-learned.ts) is kept beside its data and asked, too, at the next start. The
// same in every world: the disk and the clock are given.
//
//   <data>/known-members.json   { version, members: [host, …] }
//
// It is a hint and nothing more. Those in it that are members no longer are asked in vain, a file that makes no sense is one that is not there, and
// what could not be written is written later.
//
// Owns:     the file; when it is written.
// Does not: say who founds the group, which is never read from here.

import type { Disk } from '../runtime/contract/disk.js';
import { isName } from '../runtime/contract/address.js';
import type { SystemEvent } from '../runtime/contract/events.js';
import { replaceFile } from '../runtime/storage/replace-file.js';

const fileName = 'known-members.json';
const version = 1;
const fileBytesMax = 16 * 1024;
const membersMax = 64;
/** From the end of one write to the next, ms: the group may change as often as it likes. */
const pauseMs = 1000;
/** From a write that failed to the next, ms. */
const retryMs = 30_000;

export interface Remembered {
  /** Hosts that were members when it was written; empty when nothing is known. */
  readonly members: readonly string[];
  /** To be told to people once: there is a file, and it makes no sense. */
  readonly problem?: SystemEvent;
}

/** What was written before this process. Blocking; never throws for what the file holds, or for a disk that does not give it. */
export function readKnownMembers(disk: Disk): Remembered {
  try {
    const size = disk.sizeOf(fileName);
    if (size === undefined) return { members: [] };
    if (size > fileBytesMax) throw new Error(`${size} bytes are too many`);
    return { members: decode(disk.read(fileName, 0, size)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { members: [], problem: { kind: 'known-members-unreadable', level: 'warn', file: fileName, reason } };
  }
}

/** @throws Error saying what is wrong */
function decode(bytes: Uint8Array): string[] {
  const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  if (typeof value !== 'object' || value === null) throw new Error('it holds no object');
  const fields = value as { readonly version?: unknown; readonly members?: unknown };
  if (fields.version !== version) throw new Error(`version ${String(fields.version)}, known is ${version}`);
  const members: unknown = fields.members;
  if (!Array.isArray(members) || members.length > membersMax || !members.every(isHost))
    throw new Error('it holds no list of hosts');
  return inOrder(members);
}

function isHost(value: unknown): value is string {
  return typeof value === 'string' && isName(value);
}

function inOrder(hosts: readonly string[]): string[] {
  return [...new Set(hosts)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).slice(0, membersMax);
}

export interface KnownMembersOptions {
  readonly disk: Disk;
  /** What need not be written: it is in the file, or whoever starts this host says it each time. */
  readonly known: readonly string[];
  /** Calls back once, so many milliseconds later, or never when the process is over. */
  readonly after: (delayMs: number, run: () => void) => void;
  readonly emit: (event: SystemEvent) => void;
}

/** One write at a time, and at most one a second, whatever is noted. */
export class KnownMembers {
  readonly #options: KnownMembersOptions;
  /** Undefined after a write that failed: the file may hold the one or the other. */
  #saved: string | undefined;
  #wanted: readonly string[] | undefined;
  #isBusy = false;

  constructor(options: KnownMembersOptions) {
    this.#options = options;
    this.#saved = inOrder(options.known).join(' ');
  }

  /** These are the members now. An empty list says nothing. */
  note(hosts: readonly string[]): void {
    if (hosts.length === 0) return;
    this.#wanted = inOrder(hosts);
    this.#write();
  }

  /** Where this process began to ask: noted when nothing better is known. */
  noteFirst(hosts: readonly string[]): void {
    if (this.#wanted === undefined && this.#saved === '') this.note(hosts);
  }

  #write(): void {
    const members = this.#wanted;
    if (this.#isBusy || members === undefined || members.join(' ') === this.#saved) return;
    this.#isBusy = true;
    const { disk, after, emit } = this.#options;
    const bytes = new TextEncoder().encode(`${JSON.stringify({ version, members }, undefined, 2)}\n`);
    replaceFile(disk, fileName, bytes, (error) => {
      this.#saved = error === undefined ? members.join(' ') : undefined;
      if (error !== undefined)
        emit({ kind: 'members-not-remembered', level: 'warn', file: fileName, reason: error.message });
      after(error === undefined ? pauseMs : retryMs, () => {
        this.#isBusy = false;
        this.#write();
      });
    });
  }
}
