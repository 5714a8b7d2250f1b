// The public door of `troupe/hashing`
// =============================================================================
//
// What is exported here is kept; everything else may change.

export { HashRing, defaultVirtualNodes } from './hash-ring.js';
export { partitionOf, partitionRing } from './partition-ring.js';
export { xxHash32 } from './xx-hash.js';
