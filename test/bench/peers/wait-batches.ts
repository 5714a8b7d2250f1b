// Writes gathered into batches, each followed by one WAIT
// =============================================================================
//
// WAIT on every write holds the connection up for each of them. So what one turn of the event loop asks for goes out as a batch with one WAIT at its end, and what is
// asked for while all lanes are busy is the next batch. A write is answered when its batch's WAIT says that enough replicas have it.
//
// Knows nothing of Redis: a lane is a function that sends a batch and resolves to what came back.

export interface BatchAnswer {
  /** Of each write, in order: undefined when it was done. */
  readonly errors: readonly (Error | undefined)[];
  /** Replicas that have all of them. */
  readonly replicas: number;
}

export type Lane = (keys: readonly string[], values: readonly string[]) => Promise<BatchAnswer>;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class WaitBatches {
  readonly #idle: Lane[];
  readonly #replicasMin: number;
  readonly #batchMax: number;
  #keys: string[] = [];
  #values: string[] = [];
  #waiters: Waiter[] = [];
  #isPlanned = false;

  /** @param lanes batches under way at a time, one each */
  constructor(lanes: readonly Lane[], replicasMin: number, batchMax: number) {
    this.#idle = [...lanes];
    this.#replicasMin = replicasMin;
    this.#batchMax = batchMax;
  }

  put(key: string, value: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#keys.push(key);
      this.#values.push(value);
      this.#waiters.push({ resolve, reject });
      this.#plan();
    });
  }

  #plan(): void {
    if (this.#isPlanned || this.#idle.length === 0) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      while (this.#keys.length > 0 && this.#idle.length > 0) this.#send();
    });
  }

  #send(): void {
    const lane = this.#idle.pop() as Lane;
    const keys = this.#keys.splice(0, this.#batchMax);
    const values = this.#values.splice(0, this.#batchMax);
    const waiters = this.#waiters.splice(0, this.#batchMax);
    void lane(keys, values)
      .then(
        (answer) => this.#settle(waiters, answer),
        (error: unknown) => {
          for (const waiter of waiters) waiter.reject(error);
        },
      )
      .then(() => {
        this.#idle.push(lane);
        if (this.#keys.length > 0) this.#plan();
      });
  }

  #settle(waiters: readonly Waiter[], { errors, replicas }: BatchAnswer): void {
    const isShort = replicas < this.#replicasMin;
    for (let i = 0; i < waiters.length; i++) {
      const waiter = waiters[i] as Waiter;
      const error = errors[i];
      if (error !== undefined) waiter.reject(error);
      else if (isShort) waiter.reject(new Error(`WAIT: ${replicas} replicas have it, not ${this.#replicasMin}`));
      else waiter.resolve();
    }
  }
}
