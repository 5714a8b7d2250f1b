import { connect } from 'troupe';
import { openEmbedded } from 'troupe/embedded';

const db = process.argv[2] === 'embedded' ? await openEmbedded({ directory: './data' }) : await connect();
try {
  const users = db.table('default');
  const receipt = await users.put('user:1', { name: 'Ada', langs: ['en', 'fr'], since: new Date(0) });
  console.log('version', receipt.version, 'is on disk on', receipt.replicas.join(', '));
  console.log(await users.get('user:1'));
  await users.put('user:2', { name: 'Grace' }, { ifAbsent: true }).catch((error) => console.log(error.code));
  await Promise.all(Array.from({ length: 100 }, () => users.increment('visits')));
  console.log('visits', await users.get('visits'));
  for await (const { key, value, version } of users.range({ prefix: 'user:' })) console.log(key, value.name, version);
  const before = await users.entry('user:1');
  await users.put('user:1', { ...before.value, name: 'Ada L.' }, { ifVersion: before.version });
} finally {
  await db.close();
}
