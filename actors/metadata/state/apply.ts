// Applying a committed command
// =============================================================================
//
// The state machine's only door. Equal state, index and command give equal state and an equal outcome, on every member (M5): nothing
// here reads a clock, draws a number, or depends on who leads.

import { unreachable } from '../../../runtime/std/assert.js';
import { Change } from './change.js';
import type { MetadataCommand } from './command.js';
import { drainHost, fenceHost, registerHost, registerReplicas, removeHost, unfenceHost } from './host-commands.js';
import type { MapStore } from './map-store.js';
import type { Applied, Outcome } from './outcome.js';
import {
  cancelMove,
  changeInSync,
  elect,
  finishMove,
  releaseHold,
  settleDeposed,
  startMove,
} from './partition-commands.js';
import { createTable, deleteTable, growTable, setConfig } from './table-commands.js';

/** @param index the command's Raft index; whatever it changes gets it as its revision. */
export function applyCommand(store: MapStore, index: number, command: MetadataCommand): Applied {
  const change = new Change(store, index);
  return change.finish(outcomeOf(change, command));
}

function outcomeOf(change: Change, command: MetadataCommand): Outcome {
  switch (command.kind) {
    case 'register-host':
      return registerHost(change, command);
    case 'register-replicas':
      return registerReplicas(change, command);
    case 'fence-host':
      return fenceHost(change, command);
    case 'unfence-host':
      return unfenceHost(change, command);
    case 'drain-host':
      return drainHost(change, command);
    case 'remove-host':
      return removeHost(change, command);
    case 'create-table':
      return createTable(change, command);
    case 'delete-table':
      return deleteTable(change, command);
    case 'change-in-sync':
      return changeInSync(change, command);
    case 'elect':
      return elect(change, command);
    case 'start-move':
      return startMove(change, command);
    case 'finish-move':
      return finishMove(change, command);
    case 'cancel-move':
      return cancelMove(change, command);
    case 'grow-table':
      return growTable(change, command);
    case 'release-hold':
      return releaseHold(change, command);
    case 'settle-deposed':
      return settleDeposed(change, command.through);
    case 'set-config':
      return setConfig(change, command);
    default:
      return unreachable(command);
  }
}
