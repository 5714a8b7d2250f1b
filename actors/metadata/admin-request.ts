// What a client may ask of the metadata group, checked
// =============================================================================
//
// A client's message may be anything. What passes here has the shape of a command; whether it makes sense is decided when it is applied.

import type { AdminCommand, AdminFailure } from '../../messaging/protocol/host-messages.js';
import type { MetadataCommand } from './state/command.js';

export type AdminRequest =
  | { readonly kind: 'status' }
  | { readonly kind: 'command'; readonly command: MetadataCommand; readonly elects: boolean }
  | { readonly kind: 'refused'; readonly failure: AdminFailure };

export function adminRequest(command: AdminCommand): AdminRequest {
  if (!isRecord(command)) return invalid('no administrative command');
  switch (command.command) {
    case 'metadata-status':
      return { kind: 'status' };
    case 'create-table': {
      const { name, options } = command;
      if (typeof name !== 'string') return invalid('a table has a name');
      if (!isRecord(options)) return invalid('table options are an object');
      // Undefined is as good as absent, and is not carried on.
      const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
      const ifMissing = command.ifMissing === true;
      return { kind: 'command', command: { kind: 'create-table', name, options: given, ifMissing }, elects: false };
    }
    case 'delete-table':
      if (typeof command.name !== 'string') return invalid('a table has a name');
      return { kind: 'command', command: { kind: 'delete-table', name: command.name }, elects: false };
    case 'drain-host': {
      const { host, drain } = command;
      if (typeof host !== 'string' || typeof drain !== 'boolean')
        return invalid('drain-host takes a host and a choice');
      return { kind: 'command', command: { kind: 'drain-host', host, epoch: 0, drain }, elects: false };
    }
    case 'remove-host':
      if (typeof command.host !== 'string') return invalid('remove-host takes a host');
      return { kind: 'command', command: { kind: 'remove-host', host: command.host }, elects: true };
    case 'set-config': {
      const { key, value } = command;
      return { kind: 'command', command: { kind: 'set-config', key, value: value ?? undefined }, elects: false };
    }
    default:
      return invalid(`there is no administrative command "${String((command as { command: unknown }).command)}"`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): AdminRequest {
  return { kind: 'refused', failure: { code: 'INVALID_ARGUMENT', message } };
}
