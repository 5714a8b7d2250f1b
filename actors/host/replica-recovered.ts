// What a replica says to the manager of its worker
// =============================================================================

import type { ReplicaReport } from '../../messaging/protocol/host-messages.js';

/**
 * Sent once at each (re)start by the replica, which alone can judge what it got back (R17). A fresh replica sends it once its stream
 * is durable. `report.incarnation` is its `context.incarnation`; the manager turns it into the registered one.
 */
export interface ReplicaRecovered {
  readonly kind: 'replica-recovered';
  readonly report: ReplicaReport;
}
