#!/usr/bin/env node
// The `troupe` command. Plain JavaScript that any Node.js can read, so that an old one gets a sentence and not a syntax error.

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `troupe: USAGE: Troupe needs Node.js 20.19 or newer, this is ${process.versions.node}; install a newer one from your system or nodejs.org`,
  );
  process.exit(64);
}
let main;
try {
  ({ main } = await import(new URL('../dist/cli/main.js', import.meta.url).href));
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('dist')) throw error;
  console.error('troupe: USAGE: Troupe is not built yet; run `make build` in the checkout first');
  process.exit(64);
}
process.exitCode = await main(process.argv.slice(2));
// All is said. A socket whose other end sleeps must not keep the command.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
