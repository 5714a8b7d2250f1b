// NATS subjects: who speaks to whom
// =============================================================================
//
//   troupe.<cluster>.<toHost>.<toWorker>.<fromHost>.<fromWorker>        host   → host
//   troupe.<cluster>.client.to.<host>.<worker>.<client>                 client → one worker
//   troupe.<cluster>.client.any.<client>                                client → whichever host answers (queue group)
//   troupe.<cluster>.client.at.<client>.<fromHost>                      host   → client
//
// A worker is its number, or `main`. A subject carries its sender, so that NATS permissions can hold each host and client to its own name
// (CORRECTNESS §5): host X may publish `troupe.C.*.*.X.*` and `troupe.C.client.at.*.X`, client Y `troupe.C.client.to.*.*.Y`
// and `troupe.C.client.any.Y`, nothing else.
//
// Invariants
//   N1. Every word of a subject is a name (`isName`) or one of ours: no space, dot, wildcard or line end can get in. A subject
//       with one of those would let the sender write into the NATS protocol.
//   N2. No host is called `client`, so the two families never meet.

import { isName, mainWorker, workerCountMax } from '../../runtime/contract/address.js';
import { assert } from '../../runtime/std/assert.js';

/** Where frames come from or go to: one worker of one host, or one client. */
export interface Place {
  /** Host name, `@<client id>`, or `anyHost`. */
  readonly host: string;
  readonly worker: number;
}

/** As a host in an address: whichever host answers first. Only clients may say it, and only with worker 0. */
export const anyHost = '*';

/** The queue group in which every host's worker 0 waits for clients that know no host yet. */
export const anyHostGroup = 'hosts';

/** N2. @returns whether a host may be called so. */
export function isHostName(text: string): boolean {
  return isName(text) && text !== 'client';
}

function clientId(host: string): string | undefined {
  return host.startsWith('@') && isName(host.slice(1)) ? host.slice(1) : undefined;
}

/** @returns whether frames can be sent to, or come from, this place. */
export function isPlace(place: Place): boolean {
  if (clientId(place.host) !== undefined) return place.worker === 0;
  return isHostName(place.host) && isWorker(place.worker);
}

function isWorker(worker: number): boolean {
  return worker === mainWorker || (Number.isInteger(worker) && worker >= 0 && worker < workerCountMax);
}

function workerWord(worker: number): string {
  return worker === mainWorker ? 'main' : String(worker);
}

function workerOf(word: string | undefined): number | undefined {
  if (word === 'main') return mainWorker;
  if (word === undefined || !/^(0|[1-9][0-9]?)$/.test(word)) return undefined;
  const worker = Number(word);
  return worker < workerCountMax ? worker : undefined;
}

/** The subject from one place to another, or undefined when there is none: clients do not speak to clients or to main threads. */
export function subjectOf(cluster: string, from: Place, to: Place): string | undefined {
  assert(isName(cluster), 'N1: a cluster is a name');
  assert(isPlace(from), 'N1: the sender is a place');
  const sender = clientId(from.host);
  if (sender !== undefined) {
    if (to.host === anyHost) return to.worker === 0 ? `troupe.${cluster}.client.any.${sender}` : undefined;
    if (!isHostName(to.host) || !isWorker(to.worker) || to.worker === mainWorker) return undefined;
    return `troupe.${cluster}.client.to.${to.host}.${workerWord(to.worker)}.${sender}`;
  }
  if (!isPlace(to)) return undefined;
  const client = clientId(to.host);
  if (client !== undefined) return `troupe.${cluster}.client.at.${client}.${from.host}`;
  return `troupe.${cluster}.${to.host}.${workerWord(to.worker)}.${from.host}.${workerWord(from.worker)}`;
}

export interface Subscribed {
  readonly subject: string;
  /** Queue group, when only one of its members is to receive a message. */
  readonly queue: string | undefined;
}

/** What a place listens to. */
export function subjectsFor(cluster: string, place: Place): readonly Subscribed[] {
  assert(isName(cluster), 'N1: a cluster is a name');
  assert(isPlace(place), 'N1: a listener is a place');
  const client = clientId(place.host);
  if (client !== undefined) return [{ subject: `troupe.${cluster}.client.at.${client}.*`, queue: undefined }];
  const worker = workerWord(place.worker);
  const subjects: Subscribed[] = [{ subject: `troupe.${cluster}.${place.host}.${worker}.*.*`, queue: undefined }];
  if (place.worker === mainWorker) return subjects; // clients have nothing to say to a main thread
  subjects.push({ subject: `troupe.${cluster}.client.to.${place.host}.${worker}.*`, queue: undefined });
  if (place.worker === 0) subjects.push({ subject: `troupe.${cluster}.client.any.*`, queue: anyHostGroup });
  return subjects;
}

/** The sender that a subject names; `worker` is undefined where the subject does not say (host → client). */
export interface SubjectSender {
  readonly host: string;
  readonly worker: number | undefined;
}

/** Reads the sender out of a subject that `subjectsFor` matched. Undefined for anything else. */
export function senderOf(subject: string): SubjectSender | undefined {
  const words = subject.split('.');
  if (words[0] !== 'troupe' || !isName(words[1] ?? '')) return undefined;
  if (words[2] === 'client') {
    if (words[3] === 'any' && words.length === 5 && isName(words[4] ?? '')) return { host: `@${words[4]}`, worker: 0 };
    if (words[3] === 'to' && words.length === 7 && isName(words[6] ?? '')) return { host: `@${words[6]}`, worker: 0 };
    if (words[3] === 'at' && words.length === 6 && isHostName(words[5] ?? ''))
      return { host: words[5] as string, worker: undefined };
    return undefined;
  }
  if (words.length !== 6 || !isHostName(words[4] ?? '')) return undefined;
  const worker = workerOf(words[5]);
  return worker === undefined ? undefined : { host: words[4] as string, worker };
}
