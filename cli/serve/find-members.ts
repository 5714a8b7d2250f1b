// Where a host asks for the metadata group
// =============================================================================
//
// A host that joins asks any host of the cluster, as a client does, and writes down what it heard: when the whole cluster starts again at
// once, nobody can answer yet, and everybody must know whom to ask.
//
//   <data>/known-members.json   { version, members: [host, …] }

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MemberSeed } from '../../actors/host/host-arguments.js';
import { connect } from '../../messaging/client/index.js';
import { isName } from '../../runtime/contract/address.js';
import { writeJson } from '../mesh/mesh-file.js';

const fileName = 'known-members.json';

export interface Found {
  readonly clusterId: string;
  readonly hosts: readonly string[];
}

/** Hosts as whom to ask, and never as founders: no member has such an id. */
export function seedsOf(hosts: readonly string[]): MemberSeed[] {
  return hosts.map((host) => ({ id: `${host}.ask`, host }));
}

/** Hosts that were members when it was written; empty when nothing is known, or the file makes no sense. */
export function readKnownMembers(directory: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(directory, fileName), 'utf8'));
  } catch {
    return []; // not there, or half of one: the cluster is asked instead
  }
  const { members } = (value ?? {}) as { readonly members?: unknown };
  return Array.isArray(members) ? members.filter((one) => typeof one === 'string' && isName(one)) : [];
}

export function writeKnownMembers(directory: string, hosts: readonly string[]): void {
  writeJson(join(directory, fileName), { version: 1, members: hosts });
}

/** Asks the cluster. @throws TroupeError when nobody answers in time */
export async function findMembers(servers: readonly string[], cluster: string, timeoutMs: number): Promise<Found> {
  const db = await connect({ servers, cluster, connectTimeout: timeoutMs, timeout: timeoutMs });
  try {
    const { clusterId, metadata } = await db.admin.status();
    return { clusterId, hosts: metadata.members.map((member) => member.host) };
  } finally {
    await db.close();
  }
}
