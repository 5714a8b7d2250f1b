// Finds nats-server or installs it, for `make test`. The tests themselves only look for it.

const { findOrInstallNatsServer } = await import('../dist/cli/mesh/nats-server.js');
try {
  await findOrInstallNatsServer((line) => console.log(line));
} catch (error) {
  console.error(`troupe: ${error.code}: ${error.message}; ${error.next}`);
  process.exitCode = 1;
}
