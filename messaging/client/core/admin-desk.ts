// Commands to the metadata group
// =============================================================================
//
// One attempt at a time, to the host that is believed to lead the group; whoever answers may name a better one. A command is
// answered once the copy of the map has reached the revision that it made, so that its effect can be used at once.
//
// Invariants
//   H1. A command that may have been carried out never fails, and one that certainly was not is never unknown (§2.0).

import type { Context } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import { metadataActor, type TableInfo } from '../../protocol/cluster-map.js';
import type { AdminFailure, HostMessage, TableOptions } from '../../protocol/host-messages.js';
import type { ClientLimits } from './client-limits.js';
import { isErrorCode } from './error-code.js';
import type { MapWatch } from './map-watch.js';
import type { AdminRequest, FailureCode } from './operations.js';
import type { Outbox } from './outbox.js';
import { buggify } from '../../../runtime/probes/probes.js';

type AdminReply = Extract<HostMessage, { readonly kind: 'admin-reply' }>;

type Phase =
  | { readonly kind: 'asked'; readonly request: number; readonly host: string; readonly dueMs: number }
  | { readonly kind: 'waiting'; readonly dueMs: number }
  /** Carried out; the copy of the map is not there yet. */
  | { readonly kind: 'done'; readonly result: unknown; readonly revision: number };

interface Command {
  readonly request: AdminRequest;
  readonly replyTo: Address;
  readonly deadlineMs: number;
  phase: Phase;
  /** Host to ask next, as the last answer said. */
  hint: string | undefined;
  tries: number;
  /** Attempts of which nothing definite is known (H1). */
  unresolved: number;
  trouble: string;
}

/** Answers that say: ask again, elsewhere or later. */
const passing: readonly string[] = ['NOT_LEADER', 'UNAVAILABLE', 'TIMEOUT', 'OUTCOME_UNKNOWN'];

export class AdminDesk {
  readonly #limits: ClientLimits;
  readonly #watch: MapWatch;
  readonly #outbox: Outbox;
  readonly #commands = new Map<number, Command>();

  constructor(limits: ClientLimits, watch: MapWatch, outbox: Outbox) {
    this.#limits = limits;
    this.#watch = watch;
    this.#outbox = outbox;
  }

  submit(context: Context<never>, request: AdminRequest, replyTo: Address): void {
    const command: Command = {
      request,
      replyTo,
      deadlineMs: context.nowMs + request.timeoutMs,
      phase: { kind: 'waiting', dueMs: context.nowMs },
      hint: undefined,
      tries: 0,
      unresolved: 0,
      trouble: '',
    };
    this.#commands.set(request.id, command);
    this.#maybeSend(context, command);
  }

  nextMs(): number | undefined {
    let next: number | undefined;
    for (const { phase, deadlineMs } of this.#commands.values()) {
      const at = phase.kind === 'done' ? deadlineMs : Math.min(phase.dueMs, deadlineMs);
      if (next === undefined || at < next) next = at;
    }
    return next;
  }

  due(context: Context<never>): void {
    for (const command of this.#commands.values()) {
      const { phase } = command;
      if (command.deadlineMs <= context.nowMs) this.#expire(command);
      else if (phase.kind === 'waiting' && phase.dueMs <= context.nowMs) this.#maybeSend(context, command);
      else if (phase.kind === 'asked' && phase.dueMs <= context.nowMs) {
        command.trouble = `host ${phase.host} did not answer`;
        command.hint = undefined;
        this.#maybeSend(context, command);
      }
    }
  }

  onMap(context: Context<never>): void {
    for (const command of this.#commands.values()) {
      if (command.phase.kind === 'done') this.#maybeComplete(command);
      else if (command.phase.kind === 'waiting' && command.tries === 0) this.#maybeSend(context, command);
    }
  }

  #maybeSend(context: Context<never>, command: Command): void {
    const host = this.#hostFor(context, command);
    if (host === undefined) {
      command.phase = { kind: 'waiting', dueMs: context.nowMs + this.#limits.backoffMaxMs };
      return;
    }
    const request = this.#outbox.nextRequest();
    command.phase = { kind: 'asked', request, host, dueMs: context.nowMs + this.#limits.adminTimeoutMs };
    command.tries++;
    command.unresolved++;
    const message: HostMessage = { kind: 'admin', request, command: command.request.command };
    context.send({ host, worker: 0, actor: metadataActor }, message);
  }

  #hostFor(context: Context<never>, command: Command): string | undefined {
    const { copy } = this.#watch;
    if (command.hint !== undefined) return command.hint;
    if (command.tries === 0 && !buggify('client/ask-any-member') && copy.metadataLeader !== undefined)
      return copy.metadataLeader;
    const members = copy.members.map((member) => member.host);
    const last = command.phase.kind === 'asked' ? command.phase.host : undefined;
    const others = members.filter((host) => host !== last);
    if (others.length > 0) return context.random.pick(others);
    return members[0];
  }

  onReply(context: Context<never>, message: AdminReply): void {
    for (const command of this.#commands.values()) {
      if (command.phase.kind !== 'asked' || command.phase.request !== message.request) continue;
      if (message.failure === undefined) {
        command.phase = { kind: 'done', result: message.result, revision: message.revision };
        if (this.#watch.copy.revision < message.revision) this.#watch.ask(context);
        this.#maybeComplete(command);
      } else this.#onFailure(context, command, command.phase.host, message.failure, message.leader);
      return;
    }
  }

  #onFailure(
    context: Context<never>,
    command: Command,
    host: string,
    failure: AdminFailure,
    leader: string | undefined,
  ): void {
    if (failure.code !== 'OUTCOME_UNKNOWN') command.unresolved--;
    if (passing.includes(failure.code)) {
      command.trouble = failure.message;
      command.hint = leader === host ? undefined : leader;
      const pauseMs = Math.min(this.#limits.backoffMaxMs, this.#limits.backoffMinMs * 2 ** Math.min(command.tries, 16));
      command.phase = { kind: 'waiting', dueMs: context.nowMs + pauseMs * (0.5 + context.random.fraction() / 2) };
      return;
    }
    if (command.unresolved > 0) {
      // An earlier attempt was perhaps carried out, and this is only its shadow: exists already, gone already.
      const isDone = isCarriedOut(command.request, failure, this.#watch.copy.tables);
      if (isDone === undefined) return this.#unknown(command, failure.message);
      if (isDone) {
        command.phase = { kind: 'done', result: undefined, revision: 0 };
        return this.#maybeComplete(command);
      }
    }
    const code: FailureCode = isErrorCode(failure.code) ? failure.code : 'UNAVAILABLE';
    this.#fail(command, code, failure.message);
  }

  #maybeComplete(command: Command): void {
    if (command.phase.kind !== 'done' || this.#watch.copy.revision < command.phase.revision) return;
    this.#complete(command, command.phase.result, command.phase.revision);
  }

  #complete(command: Command, result: unknown, revision: number): void {
    const { id } = command.request;
    this.#commands.delete(id);
    this.#outbox.answer(command.replyTo, { kind: 'commanded', id, result, revision });
  }

  #fail(command: Command, code: FailureCode, message: string): void {
    this.#commands.delete(command.request.id);
    this.#outbox.fail(command.replyTo, command.request.id, code, message);
  }

  #unknown(command: Command, message: string): void {
    const { id } = command.request;
    this.#commands.delete(id);
    this.#outbox.answer(command.replyTo, {
      kind: 'unknown',
      id,
      message: `the command was sent, and then: ${message}`,
    });
  }

  #expire(command: Command): void {
    if (command.phase.kind === 'done') return this.#complete(command, command.phase.result, command.phase.revision);
    const nobody = this.#watch.isKnown ? 'the metadata group has no leader' : 'no host of the mesh answered';
    this.#end(command, 'UNAVAILABLE', command.trouble === '' ? nobody : command.trouble);
  }

  #end(command: Command, code: FailureCode, message: string): void {
    const isRead = command.request.command.command === 'metadata-status';
    if (command.phase.kind === 'done') this.#complete(command, command.phase.result, command.phase.revision);
    else if (command.unresolved > 0 && !isRead)
      this.#unknown(command, message); // H1
    else this.#fail(command, code, message);
  }

  cancel(id: number): void {
    const command = this.#commands.get(id);
    if (command !== undefined) this.#end(command, 'ABORTED', 'it was aborted');
  }

  close(): void {
    for (const command of this.#commands.values()) this.#end(command, 'CLOSED', 'the client was closed');
  }
}

/**
 * Whether a failure of a command that was sent more than once only says that an earlier attempt was carried out; undefined when
 * that cannot be said. Another client may have done the same; the result is what was asked for in either case.
 */
function isCarriedOut(
  { command }: AdminRequest,
  failure: AdminFailure,
  tables: ReadonlyMap<string, TableInfo>,
): boolean | undefined {
  switch (command.command) {
    case 'create-table': {
      const table = tables.get(command.name);
      if (table === undefined) return failure.code === 'CONDITION_FAILED' ? undefined : false;
      return matches(table, command.options);
    }
    case 'delete-table':
      return failure.code === 'NOT_FOUND';
    default:
      return undefined;
  }
}

function matches(table: TableInfo, options: TableOptions): boolean {
  const { partitions, ...rest } = options;
  if (partitions !== undefined && partitions !== table.partitions.length) return false;
  return Object.entries(rest).every(
    ([name, value]) => value === undefined || table[name as keyof typeof rest] === value,
  );
}
