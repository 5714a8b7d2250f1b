// The machine that was measured on, for whoever compares
// =============================================================================

import { cpus, release, totalmem, type as systemType, arch } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryBytes: totalmem(),
    system: `${systemType()} ${release()} ${arch()}`,
    node: process.version,
  };
}
