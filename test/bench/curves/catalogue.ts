// Every curve, in the order in which they run
// =============================================================================

import type { Curve } from './curve.js';
import { clients } from './measures/clients.js';
import { failover } from './measures/failover.js';
import { hosts } from './measures/hosts.js';
import { items } from './measures/items.js';
import { itemsInMesh } from './measures/items-mesh.js';
import { partitions } from './measures/partitions.js';
import { restart } from './measures/restart.js';
import { values } from './measures/values.js';

export const catalogue: readonly Curve[] = [items, itemsInMesh, values, clients, partitions, hosts, restart, failover];
