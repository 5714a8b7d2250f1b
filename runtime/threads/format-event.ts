// One line for an event
// =============================================================================
//
//   text   12:03:04.567 warn  a/0/partition-3 leader-elected epoch=5 leader=b
//   json   {"time":"…","level":"warn","host":"a","worker":0,"actor":"partition-3","kind":"leader-elected","epoch":5,"leader":"b"}
//
// A worker is a number, or `main`. A line never contains a line break: a stack trace is quoted in text, too.

import { mainWorker } from '../contract/address.js';
import type { EmittedEvent } from '../contract/events.js';

export type EventFormat = 'text' | 'json';

export function formatEvent(emitted: EmittedEvent, format: EventFormat): string {
  return format === 'json' ? jsonLine(emitted) : textLine(emitted);
}

function timeOf(emitted: EmittedEvent): string {
  return new Date(emitted.wallMs).toISOString();
}

function workerOf(emitted: EmittedEvent): number | 'main' {
  return emitted.worker === mainWorker ? 'main' : emitted.worker;
}

function jsonLine(emitted: EmittedEvent): string {
  const { kind, level, ...fields } = emitted.event;
  const where = { host: emitted.host, worker: workerOf(emitted), actor: emitted.actor };
  return JSON.stringify({ time: timeOf(emitted), level, ...where, kind, ...fields });
}

function textLine(emitted: EmittedEvent): string {
  const { kind, level, ...fields } = emitted.event;
  const words = [
    timeOf(emitted).slice(11, 23),
    level.padEnd(5),
    `${emitted.host}/${workerOf(emitted)}/${emitted.actor}`,
    kind,
  ];
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) words.push(`${name}=${textOf(value)}`);
  return words.join(' ');
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
