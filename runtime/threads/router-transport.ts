// Which way a message leaves a thread
// =============================================================================
//
// To another thread of this host through its port, to everyone else through the external transport. Messages within the thread
// never come here: the loop queues them itself.

import type { Envelope, Transport } from '../contract/transport.js';

export class RouterTransport implements Transport {
  readonly #host: string;
  readonly #local: Transport;
  #external: Transport | undefined;
  #dropped = 0;

  constructor(host: string, local: Transport) {
    this.#host = host;
    this.#local = local;
  }

  /** Messages for outside that were posted before `connect`. */
  get droppedCount(): number {
    return this.#dropped;
  }

  /** Opens the way out. It comes after the loop was built, since it delivers to the loop. */
  connect(external: Transport): void {
    this.#external = external;
  }

  post(envelope: Envelope): void {
    if (envelope.to.host === this.#host) this.#local.post(envelope);
    else if (this.#external === undefined) this.#dropped++;
    else this.#external.post(envelope);
  }

  flush(): void {
    this.#local.flush();
    this.#external?.flush();
  }

  async close(): Promise<void> {
    await Promise.all([this.#local.close(), this.#external?.close()]);
  }
}
