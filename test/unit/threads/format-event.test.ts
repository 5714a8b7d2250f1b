import { expect } from 'chai';

import { mainWorker } from '../../../runtime/contract/address.js';
import type { EmittedEvent } from '../../../runtime/contract/events.js';
import { EventBatch } from '../../../runtime/threads/event-batch.js';
import { formatEvent } from '../../../runtime/threads/format-event.js';

const event: EmittedEvent = {
  host: 'a',
  worker: 0,
  actor: 'partition-3',
  wallMs: Date.UTC(2026, 10, 20, 12, 3, 4, 567),
  event: { kind: 'leader-elected', level: 'warn', epoch: 5, leader: 'b', inSync: ['b', 'c'], note: 'two words\nlines' },
};

describe('runtime/threads: events', () => {
  it('formats as one line of text', () => {
    expect(formatEvent(event, 'text')).equals(
      '12:03:04.567 warn  a/0/partition-3 leader-elected epoch=5 leader=b inSync=["b","c"] note="two words\\nlines"',
    );
  });

  it('formats as one line of JSON', () => {
    expect(JSON.parse(formatEvent({ ...event, worker: mainWorker }, 'json'))).deep.equals({
      time: '2026-11-20T12:03:04.567Z',
      level: 'warn',
      host: 'a',
      worker: 'main',
      actor: 'partition-3',
      kind: 'leader-elected',
      epoch: 5,
      leader: 'b',
      inSync: ['b', 'c'],
      note: 'two words\nlines',
    });
  });

  it('a batch is bounded and tells how many events it dropped', () => {
    const posted: EmittedEvent[] = [];
    const batch = new EventBatch((events) => posted.push(...events));
    for (let i = 0; i < 1010; i++) batch.add(event);
    batch.flush();
    batch.flush();
    expect(posted.length).equals(1001);
    expect(posted.at(-1)?.event).deep.equals({ kind: 'events-dropped', level: 'warn', count: 10 });
  });
});
