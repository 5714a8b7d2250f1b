// Mocha's spec reporter, which also leaves its counts in a file
// =============================================================================

import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.once('end', () => {
      const output = (options?.reporterOptions as { output?: string } | undefined)?.output;
      if (output !== undefined) writeFileSync(output, `${this.stats.passes} ${this.stats.failures}\n`);
    });
  }
}

export default CountingReporter;
