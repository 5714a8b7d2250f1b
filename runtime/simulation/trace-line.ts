// A line of the trace, taken apart again
// =============================================================================
//
// For whoever draws or searches what happened. The columns are those of trace.ts: virtual ms, host/worker, actor, kind, detail.

export interface TraceLine {
  readonly atMs: number;
  /** '' for what happens to no one host: `fault`, `fault-ended`, `script`, `frozen`. */
  readonly host: string;
  readonly worker: string;
  /** '' when it was no actor. */
  readonly actor: string;
  readonly kind: string;
  readonly detail: string;
}

const columns = /^\s*(\d+(?:\.\d+)?) (\S+)\s+(\S+)\s+(\S+)(?: (.*))?$/;

/** @returns undefined for text that is no line of a trace */
export function parseTraceLine(line: string): TraceLine | undefined {
  const match = columns.exec(line);
  if (match === null) return undefined;
  const [, at = '', where = '', actor = '', kind = '', detail = ''] = match;
  const [host = '', worker = ''] = where === '-' ? [] : where.split('/');
  return { atMs: Number(at), host, worker, actor: actor === '-' ? '' : actor, kind, detail };
}

/** A message that arrived, or did not. */
export interface TracedMessage {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  /** Why it never arrived; undefined when it did. */
  readonly lost: string | undefined;
}

/** How messages are lost (simulated-network.ts). */
const lostWhys: ReadonlySet<string> = new Set([
  'lost',
  'cut',
  'filtered',
  'broker-down',
  'never-sent',
  'slow-consumer',
  'away',
  'nobody-there',
  'repeated',
  'full',
]);

/** The message that the line tells of, if it does. */
export function messageOf({ host, kind, detail }: TraceLine): TracedMessage | undefined {
  const [message = '', other = ''] = detail.split(' ');
  if (kind === 'received') return { from: other, to: host, kind: message, lost: undefined };
  if (lostWhys.has(kind)) return { from: host, to: other, kind: message, lost: kind };
  return undefined;
}
