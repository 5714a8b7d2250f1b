// Real input: every entry of the `packages` map of package-lock.json becomes an item, is read back and compared.
//
//   node docs/tour/load-packages.mjs load      write them all, then verify
//   node docs/tour/load-packages.mjs verify    read them all and compare, for instance after every host was killed

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { connect } from 'troupe';

const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
const entries = Object.entries(packages).map(([path, about]) => [['package', path], about]);

const db = await connect();
try {
  const table = db.table('packages');
  if (process.argv[2] !== 'verify') {
    await db.admin.createTable('packages', { ifMissing: true });
    await Promise.all(entries.map(([key, about]) => table.put(key, about)));
  }
  const found = await table.getMany(entries.map(([key]) => key));
  const wrong = entries.filter(([, about], i) => !isDeepStrictEqual(found[i], about));
  let listed = 0;
  for await (const { key } of table.range({ prefix: ['package'] })) if (key.length === 2) listed += 1;
  console.log(`${entries.length} packages, ${found.length - wrong.length} read back equal, ${listed} listed`);
  if (wrong.length > 0 || listed !== entries.length) process.exitCode = 1;
} finally {
  await db.close();
}
