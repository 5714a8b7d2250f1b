// Every curve, in the order in which they run
// =============================================================================

import type { Curve } from './curve.js';
import { clients } from './measures/clients.js';
import { items } from './measures/items.js';
import { partitions } from './measures/partitions.js';
import { restart } from './measures/restart.js';

export const catalogue: readonly Curve[] = [items, clients, partitions, restart];
