// What a worker tells the main thread by itself
// =============================================================================
//
// Everything else is the answer to a call (control.ts). Its end needs no message: a thread that is gone says so.

import type { EmittedEvent } from '../contract/events.js';
import type { HostExitCode } from './exit-codes.js';

export type Output =
  | { readonly kind: 'events'; readonly events: readonly EmittedEvent[] }
  /** The whole host must end at once (D11). */
  | { readonly kind: 'fatal'; readonly exitCode: HostExitCode; readonly reason: string };
