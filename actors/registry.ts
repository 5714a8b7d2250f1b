// Every kind of actor that a host can run
// =============================================================================

import type { ActorDefinition } from '../runtime/contract/actor.js';
import { agentDefinition } from './host/agent.js';
import { managerDefinition } from './host/manager.js';
import { metadataDefinition } from './metadata/metadata-actor.js';
import { partitionDefinition } from './partition/replica.js';

const all: readonly ActorDefinition[] = [agentDefinition, managerDefinition, metadataDefinition, partitionDefinition];

/** By kind. A journal names kinds: one that was ever released keeps its name. */
export const registry: ReadonlyMap<string, ActorDefinition> = new Map(
  all.map((definition) => [definition.kind, definition]),
);
