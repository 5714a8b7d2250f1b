// Notable things, as data
// =============================================================================
//
// Actors and the runtime emit events; logs, the dashboard and the simulator's trace format them, each in one place.

export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

export interface SystemEvent {
  /** What happened, kebab-case and in the past tense: `leader-elected`, `actor-crashed`. */
  readonly kind: string;
  readonly level: EventLevel;
  /** Everything else is plain data: strings, numbers, booleans, and lists of them. Never keys' or values' contents. */
  readonly [field: string]: string | number | boolean | undefined | readonly (string | number)[];
}

/** An event with where and when it was emitted. */
export interface EmittedEvent {
  readonly host: string;
  readonly worker: number;
  readonly actor: string;
  readonly wallMs: number;
  readonly event: SystemEvent;
}
