// Everything that reads bytes which somebody else may have written
// =============================================================================

import type { Target } from './target.js';
import { incrementTarget, keyTarget, valueTarget } from './targets/data.js';
import {
  batchTarget,
  checksumTarget,
  partitionRecordTarget,
  raftRecordTarget,
  registryTarget,
  snapshotChunkTarget,
} from './targets/log.js';
import { segmentTarget, snapshotTarget } from './targets/storage.js';
import {
  argumentsTarget,
  cursorTarget,
  historyTarget,
  meshFileTarget,
  replayFileTarget,
  shellTarget,
  wordTarget,
} from './targets/text.js';
import {
  chunkTarget,
  clientMessageTarget,
  controlTarget,
  frameTarget,
  hostMessageTarget,
  subjectTarget,
  workerFrameTarget,
} from './targets/wire.js';

export const targets: readonly Target[] = [
  frameTarget,
  chunkTarget,
  clientMessageTarget,
  hostMessageTarget,
  controlTarget,
  workerFrameTarget,
  subjectTarget,
  keyTarget,
  valueTarget,
  incrementTarget,
  batchTarget,
  partitionRecordTarget,
  snapshotChunkTarget,
  raftRecordTarget,
  registryTarget,
  checksumTarget,
  segmentTarget,
  snapshotTarget,
  cursorTarget,
  historyTarget,
  replayFileTarget,
  meshFileTarget,
  argumentsTarget,
  wordTarget,
  shellTarget,
];
