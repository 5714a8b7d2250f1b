// What a host has learned of the metadata group, told to its process
// =============================================================================
//
// An actor has no files: it emits what it learned, and the process around it, real or simulated, writes that down (actors/known-members.ts). Of all
// events this is the only one that is acted upon.

import type { SystemEvent } from '../../runtime/contract/events.js';

const kind = 'members-learned';

/** @param members hosts that are members as far as is known. */
export function membersLearned(members: readonly string[]): SystemEvent {
  return { kind, level: 'info', members };
}

/** The members that such an event names; undefined for any other event. */
export function learnedMembers(event: SystemEvent): readonly string[] | undefined {
  const { members } = event;
  return event.kind === kind && Array.isArray(members) ? members.map(String) : undefined;
}
