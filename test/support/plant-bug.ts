// Puts a known bug into this thread before any test runs: TROUPE_PLANTED_BUG=PB45 mocha --require …/plant-bug.js …
// =============================================================================

import { plantBugOfEnvironment } from '../../runtime/threads/planted-bug.js';

plantBugOfEnvironment();
