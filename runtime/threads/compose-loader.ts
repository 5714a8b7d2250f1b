// Loading a composition by URL
// =============================================================================

import type { Composition, Compose, Place } from './composition.js';
import { HostError, hostExitCodes } from './exit-codes.js';

/** @throws HostError `refused` when there is no such module, it exports no `compose`, or that refused the configuration. */
export async function loadComposition(url: string, config: unknown, place: Place): Promise<Composition> {
  const refused = (what: string, cause?: unknown): HostError =>
    new HostError(hostExitCodes.refused, `the composition ${url} ${what}`, { cause });
  let exports: { readonly compose?: unknown };
  try {
    exports = (await import(url)) as { readonly compose?: unknown };
  } catch (error) {
    throw refused(`cannot be loaded: ${String(error)}`, error);
  }
  if (typeof exports.compose !== 'function') throw refused('exports no function compose');
  try {
    return await (exports.compose as Compose)(config, place);
  } catch (error) {
    throw refused(`failed: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}
