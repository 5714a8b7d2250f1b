// Importing production modules with open fields, perhaps with a bug
// =============================================================================

import { register } from 'node:module';
import { openUrl, type Wrong } from './open-fields-loader.js';

export type { Wrong } from './open-fields-loader.js';

/** Imports a module of a copy, by its path from the root of the compiled tree: `actors/metadata/raft/peer.js`. */
export type ImportOpen = <T>(path: string) => Promise<T>;

type ProbesModule = typeof import('../../runtime/probes/probes.js');

let registered = false;

/** A copy of all production modules, apart from those that everybody else uses. The same `wrong` gives the same copy. */
export async function openModules(wrong: Wrong = {}): Promise<ImportOpen> {
  if (!registered) {
    register('./open-fields-loader.js', import.meta.url);
    registered = true;
  }
  const importOpen: ImportOpen = async <T>(path: string): Promise<T> =>
    (await import(openUrl(new URL(`../../${path}`, import.meta.url).href, JSON.stringify(wrong)))) as T;
  const { installProbes } = await importOpen<ProbesModule>('runtime/probes/probes.js');
  installProbes({ buggify: () => false, sometimes: () => undefined, planted: wrong.planted });
  return importOpen;
}
