// Where a host asks for the metadata group
// =============================================================================
//
// A host that joins asks any host of the cluster, as a client does. What it learns later it remembers itself (actors/known-members.ts).

import { connect } from '../../messaging/client/index.js';

export interface Found {
  readonly clusterId: string;
  readonly hosts: readonly string[];
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
