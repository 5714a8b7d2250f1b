import { join } from 'node:path';
import { describeScripts } from '../support/script.js';
import { makeRaftWorld } from '../support/script-raft.js';

// Scripts stay where they were written; only the code is built.
describeScripts('raft scripts', join(process.cwd(), 'test/script/raft'), makeRaftWorld);
