// The first start of a local mesh: an identity for it, and a data directory for each host
// =============================================================================

import { randomUUID } from 'node:crypto';
import { memberIdOf } from '../../actors/metadata/member-id.js';
import { formatDirectory } from '../format-directory.js';
import { type ClusterFile, type MeshPaths, writeJson } from './mesh-file.js';

/** Members of the metadata group: the largest odd number that the hosts can fill. */
const memberCounts = [5, 3, 1];

export function formatMesh(paths: MeshPaths, hosts: number, workers: number): ClusterFile {
  const clusterId = randomUUID();
  const members = memberCounts.find((count) => count <= hosts) ?? 1;
  const names = Array.from({ length: hosts }, (_, i) => `h${i + 1}`);
  const cluster: ClusterFile = {
    version: 1,
    cluster: 'local',
    clusterId,
    workers,
    hosts: names.map((name, i) => {
      const diskId = formatDirectory(paths.host(name), { clusterId, host: name, workers });
      return i < members ? { name, member: memberIdOf(name, diskId) } : { name };
    }),
  };
  writeJson(paths.cluster, cluster);
  return cluster;
}
