// Many SDK connections in a process of its own
// =============================================================================
//
// Forked by the clients curve, so that what the clients themselves cost is not the mesh's. Opens as many connections as it is told, does a few
// operations on each, and then leaves them alone. It ends when its parent lets go of it.

import { connect, type Database } from '../../../../messaging/client/index.js';
import { UsageError } from '../arguments.js';
import { keyName } from '../load.js';

export interface ClientsOrder {
  readonly servers: string;
  readonly cluster: string;
  readonly table: string;
  readonly clients: number;
  /** Of the first client, so that each writes keys of its own. */
  readonly first: number;
  readonly operations: number;
  readonly valueBytes: number;
}

export type ClientsNews = { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly message: string };

/** Connections that are opened at a time: a thousand at once would measure a storm. */
const openedAtOnce = 16;
const timeoutMs = 60_000;

async function open(order: ClientsOrder): Promise<Database[]> {
  const open: Database[] = [];
  let next = 0;
  const opener = async (): Promise<void> => {
    while (next < order.clients) open.push(await openOne(order, order.first + next++));
  };
  await Promise.all(Array.from({ length: openedAtOnce }, opener));
  return open;
}

async function openOne(order: ClientsOrder, number: number): Promise<Database> {
  const { servers, cluster, table, operations, valueBytes } = order;
  const db = await connect({ servers, cluster, connectTimeout: timeoutMs, timeout: timeoutMs });
  const items = db.table(table);
  for (let n = 0; n < operations; n++) {
    const key = `${keyName(number)}-${n}`;
    await items.put(key, new Uint8Array(valueBytes));
    if ((await items.get(key)) === undefined) throw new Error(`${key} was written and is not there`);
  }
  return db;
}

function tell(news: ClientsNews): void {
  process.send?.(news);
}

if (process.argv[1] === import.meta.filename) {
  if (process.send === undefined) throw new UsageError('this is forked by the clients curve');
  process.once('disconnect', () => process.exit(0));
  process.once('message', (order: ClientsOrder) => {
    open(order).then(
      () => tell({ kind: 'ready' }),
      (error: unknown) => tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
    );
  });
}
