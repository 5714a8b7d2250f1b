// The garbage collector, called by name, without a flag on the command line
// =============================================================================

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export type Collect = (options: { readonly type: 'minor' | 'major' }) => void;

export function exposedCollector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
