// Opening a client over any transport
// =============================================================================
//
// `connect` brings NATS, `openEmbedded` the transport within a thread; everything else is the same.

import { randomBytes } from 'node:crypto';
import { formatAddress } from '../../runtime/contract/address.js';
import type { EmittedEvent } from '../../runtime/contract/events.js';
import type { TableOptions } from '../protocol/host-messages.js';
import { ClientPort, type OpenTransport } from './client-port.js';
import { ClientSession } from './client-session.js';
import type { ClientLimits } from './core/client-limits.js';
import { Database } from './database.js';
import { type Duration, durationMs } from './duration.js';
import { ConnectError } from './errors.js';
import { errorOf, isDone } from './outcome-error.js';

export interface OpenClientOptions {
  readonly transport: OpenTransport;
  /** The cluster's name, for people. */
  readonly cluster: string;
  /** Unique among all clients; default random. */
  readonly clientId?: string | undefined;
  /** Of calls that name none; default 10 s. */
  readonly timeout?: Duration | undefined;
  /** How long to wait for the first answer of a host; default 10 s. */
  readonly connectTimeout?: Duration | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Makes the table `default` with these options on its first write when it is missing. */
  readonly defaultTable?: TableOptions | undefined;
  readonly limits?: Partial<ClientLimits> | undefined;
  readonly onEvent?: ((event: EmittedEvent) => void) | undefined;
  /** Runs after the client was closed: an embedded host stops here. */
  readonly onClose?: (() => Promise<void>) | undefined;
}

export const defaultTimeoutMs = 10_000;

/** @throws ConnectError when no host answers, and what the transport throws */
export async function openClient(options: OpenClientOptions): Promise<Database> {
  const timeoutMs = durationMs(options.timeout ?? defaultTimeoutMs, 'timeout');
  const connectMs = durationMs(options.connectTimeout ?? defaultTimeoutMs, 'connectTimeout');
  const port = await ClientPort.open({
    clientId: options.clientId ?? `c${randomBytes(9).toString('hex')}`,
    transport: options.transport,
    limits: options.limits,
    onEvent: options.onEvent ?? warn,
  });
  const asked = { kind: 'map', table: undefined, fresh: false, timeoutMs: connectMs } as const;
  const outcome = await port.run(asked, options.signal);
  if (!isDone(outcome)) {
    await port.close();
    if (outcome.kind === 'failed' && outcome.code === 'UNAVAILABLE')
      throw new ConnectError(`cluster ${options.cluster} does not answer: ${outcome.message}`);
    throw errorOf(outcome, 'connecting', port.requestIdOf(outcome.id), options.signal);
  }
  return new Database(new ClientSession(port, timeoutMs, options.defaultTable), options.cluster, options.onClose);
}

/** Errors of the client itself must not vanish; everything else is for whoever asks for it. */
function warn({ host, worker, actor, event }: EmittedEvent): void {
  if (event.level !== 'error') return;
  const what = typeof event['error'] === 'string' ? `: ${event['error']}` : '';
  process.emitWarning(`${formatAddress({ host, worker, actor })} ${event.kind}${what}`, 'TroupeWarning');
}
