// A script from a file, checked step by step
// =============================================================================

import { type Check, DataError, number, record, type Fields, word, yesOrNo, whole, text } from './checked-data.js';
import { type ScriptStep, stepNames, traps } from './script.js';
import { dayMs, name, tableOptions } from './scenario-parts-check.js';

type StepOf<Name extends ScriptStep['step']> = Extract<ScriptStep, { readonly step: Name }>;

const atMs = number(0, dayMs);
const node = text(/^@?[\w.-]{1,64}$/, 'the name of a host or client');

/** Of each step its own fields. */
const steps: { readonly [Name in ScriptStep['step']]: Fields<StepOf<Name>> } = {
  'create-table': { atMs, step: word('step', ['create-table']), table: name, options: tableOptions },
  'delete-table': { atMs, step: word('step', ['delete-table']), table: name },
  'add-host': { atMs, step: word('step', ['add-host']), host: name },
  'drain-host': { atMs, step: word('step', ['drain-host']), host: name, drain: yesOrNo },
  'remove-host': { atMs, step: word('step', ['remove-host']), host: name },
  'vanish-client': { atMs, step: word('step', ['vanish-client']), client: node },
  burst: {
    atMs,
    step: word('step', ['burst']),
    client: node,
    lastsMs: number(0, dayMs),
    pauseMeanMs: number(0, dayMs),
  },
  trap: {
    atMs,
    step: word('step', ['trap']),
    trap: word('trap', traps),
    table: name,
    partition: whole(0, 1023),
    lastsMs: number(0, dayMs),
  },
};

const stepName = word('step', stepNames);

/** @throws DataError that names the field */
export const stepCheck: Check<ScriptStep> = (value, path) => {
  if (typeof value !== 'object' || value === null) throw new DataError(`${path} is an object`);
  const known = stepName((value as { step?: unknown }).step, `${path}.step`);
  return record<ScriptStep>(steps[known])(value, path);
};
