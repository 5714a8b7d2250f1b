// Faults of disks
// =============================================================================
//
// Where a machine loses power, the kinds differ in what is left of unsynced writes and names. Faults that may lose what was acknowledged
// strike only hosts of the budget's sets (A2).
//
// Sources: CORRECTNESS §3.2 K1–K20, D4–D14; ALICE; Alagappan et al., "Protocol-Aware Recovery" (what reads and writes of real disks do).

import { DiskError } from '../../contract/disk.js';
import { type Random, seededRandom } from '../../std/random.js';
import type { CrashStyle } from '../disk-image.js';
import type { DiskOperation, DiskTrouble, SimulatedDisk } from '../simulated-disk.js';
import { dying, killed } from './kill.js';
import { type Choice, fault, type FaultType, type Strike, type Undo } from './fault-type.js';

const oneHost = { host: 'host' } as const;
const seededHost = { host: 'host', seed: 'number' } as const;

function anyHost({ cluster, random }: Choice): { host: string } {
  return { host: random.pick(cluster.hosts).name };
}

function mortalHost({ random, budget: { mortal } }: Choice): { host: string } | undefined {
  return mortal.length === 0 ? undefined : { host: random.pick(mortal) };
}

function lossyHost({ random, budget: { lossy } }: Choice): { host: string; seed: number } | undefined {
  return lossy.length === 0 ? undefined : { host: random.pick(lossy), seed: random.u32() };
}

function forgetfulHost({ random, budget: { forgetful } }: Choice): { host: string; seed: number } | undefined {
  return forgetful.length === 0 ? undefined : { host: random.pick(forgetful), seed: random.u32() };
}

/** A machine goes down right after an operation of its disk that no sync covers yet, and the disk is left in a state of the given style. */
function powerLoss(id: string, style: CrashStyle, after: readonly DiskOperation[], about: string): FaultType {
  return fault({
    id,
    about,
    shape: oneHost,
    needs: ['disk'],
    choose: mortalHost,
    apply: (strike, { host: name }) => {
      const disk = strike.cluster.journals.diskOf(name);
      if (disk === undefined || strike.target(name)?.up !== true) return undefined;
      const { crashEffects } = disk.image;
      const done = (): number =>
        style === 'names'
          ? crashEffects.namesLost - crashEffects.renamesLost
          : crashEffects[style === 'renames' ? 'renamesLost' : 'writesHurt'];
      const quiet = { ...strike, effect: () => undefined };
      const death = dying(quiet, name, (host) => {
        const before = done();
        disk.loseUnderWay();
        host.kill({ powerLost: true, style });
        for (let hurt = done() - before; hurt > 0; hurt--) strike.effect();
      });
      const unhook = disk.trouble({
        happened: (operation) => {
          if (after.includes(operation)) death.now();
        },
      });
      return () => {
        unhook();
        death.undo();
      };
    },
  });
}

/**
 * Something is wrong with what is read, and the process is killed and started so that it reads. The host counts as down.
 * @param reads see `DiskTrouble.reads`.
 */
function whileReading(
  strike: Strike,
  name: string,
  reads: (disk: SimulatedDisk) => NonNullable<DiskTrouble['reads']>,
): Undo | undefined {
  const { cluster, target, budget, after, lastsMs } = strike;
  const disk = cluster.journals.diskOf(name);
  const host = target(name);
  if (disk === undefined || host?.up !== true) return undefined;
  const release = budget.take(name);
  const mend = disk.trouble({ reads: reads(disk) });
  host.kill({ powerLost: false });
  after(lastsMs / 4, () => {
    if (target(name)?.up === false) host.start();
  });
  return () => {
    mend();
    release();
    if (!host.up) host.start();
  };
}

/** A file that has something in it; undefined when there is none. */
function someFile(disk: SimulatedDisk, random: Random): string | undefined {
  const paths = disk.image.paths().filter((path) => (disk.image.find(path)?.liveSize ?? 0) > 0);
  return paths.length === 0 ? undefined : random.pick(paths);
}

export const diskFaults = {
  'host-power-loss': fault({
    id: 'K1',
    about: 'a machine goes down: of what was not synced any part is lost or torn',
    shape: oneHost,
    choose: mortalHost,
    apply: (strike, { host }) => killed(strike, [host], true),
  }),

  'torn-writes': powerLoss('K2', 'torn', ['write'], 'a machine goes down: each unsynced write ends at some sector'),
  'reordered-writes': powerLoss(
    'K3',
    'reordered',
    ['write'],
    'a machine goes down: later unsynced writes are there, earlier ones may not be',
  ),
  'scattered-writes': powerLoss(
    'K4',
    'scattered',
    ['write'],
    'a machine goes down: of all unsynced writes any sectors are there',
  ),
  'lost-names': powerLoss(
    'K5',
    'names',
    ['create', 'remove'],
    'a machine goes down: files removed without a sync of their directory are there again, new ones are not',
  ),
  'lost-renames': powerLoss('K6', 'renames', ['rename'], 'a machine goes down: unsynced renames did not happen'),

  'read-flip': fault({
    id: 'K7',
    about: 'while a process reads its journals back, some reads give a flipped bit; the next read may not',
    shape: seededHost,
    loses: 'detected',
    needs: ['disk'],
    choose: lossyHost,
    apply: (strike, { host, seed }) =>
      whileReading(strike, host, () => {
        const random = seededRandom(seed);
        return (_path, _position, bytes) => {
          if (bytes.length === 0 || !random.chance(0.2)) return bytes;
          strike.effect();
          const at = random.below(bytes.length);
          const flipped = bytes.slice();
          flipped[at] = (flipped[at] as number) ^ (1 << random.below(8));
          return flipped;
        };
      }),
  }),

  'bit-rot': fault({
    id: 'K8',
    about: 'a bit of a file flips for good while its process is down',
    shape: seededHost,
    loses: 'detected',
    needs: ['disk'],
    choose: lossyHost,
    apply: (strike, { host, seed }) => {
      const { journals } = strike.cluster;
      if (journals.diskOf(host) === undefined) return undefined;
      const undo = killed(strike, [host], false);
      if (undo !== undefined) journals.rot(host, seed);
      return undo;
    },
  }),

  'read-error': fault({
    id: 'K9',
    about: 'while a process reads its journals back, some reads fail with EIO',
    shape: seededHost,
    loses: 'detected',
    needs: ['disk'],
    choose: lossyHost,
    apply: (strike, { host, seed }) =>
      whileReading(strike, host, () => {
        const random = seededRandom(seed);
        return (path, _position, bytes) => {
          if (!random.chance(0.1)) return bytes;
          strike.effect();
          throw new DiskError('EIO', `read ${path}: EIO`);
        };
      }),
  }),

  'misdirected-write': fault({
    id: 'K10',
    about: 'a write goes to another place of another file; where it should have gone, the old bytes stay',
    shape: seededHost,
    loses: 'silent',
    needs: ['disk'],
    choose: forgetfulHost,
    apply: ({ cluster, target, effect }, { host, seed }) => {
      const disk = cluster.journals.diskOf(host);
      if (disk === undefined || target(host) === undefined) return undefined;
      const random = seededRandom(seed);
      let left = 1;
      return disk.trouble({
        redirects: (_path, _position, length) => {
          const path = left > 0 ? someFile(disk, random) : undefined;
          const size = path === undefined ? 0 : (disk.image.find(path)?.liveSize ?? 0);
          if (path === undefined || size < length) return undefined;
          left--;
          effect();
          return { path, position: random.below(size - length + 1) };
        },
      });
    },
  }),

  'misdirected-read': fault({
    id: 'K11',
    about: 'while a process reads its journals back, a read gives the bytes of another place',
    shape: seededHost,
    loses: 'detected',
    needs: ['disk'],
    choose: lossyHost,
    apply: (strike, { host, seed }) =>
      whileReading(strike, host, (disk) => {
        const random = seededRandom(seed);
        let left = 1;
        return (path, _position, bytes) => {
          const other = left > 0 && bytes.length > 0 ? someFile(disk, random) : undefined;
          const inode = other === undefined ? undefined : disk.image.find(other);
          if (inode === undefined || other === path || inode.liveSize < bytes.length) return bytes;
          left--;
          strike.effect();
          const position = random.below(inode.liveSize - bytes.length + 1);
          return inode.live.slice(position, position + bytes.length);
        };
      }),
  }),

  'lying-disk': fault({
    id: 'K12',
    about: 'syncs say that they succeeded and do nothing; then the machine goes down',
    shape: seededHost,
    loses: 'silent',
    needs: ['disk'],
    choose: forgetfulHost,
    apply: ({ cluster, target, budget, after, lastsMs, effect }, { host: name }) => {
      const disk = cluster.journals.diskOf(name);
      const host = target(name);
      if (disk === undefined || host?.up !== true) return undefined;
      const release = budget.take(name);
      const mend = disk.trouble({
        lies: () => {
          effect();
          return true;
        },
      });
      after(lastsMs * 0.7, () => {
        target(name)?.kill({ powerLost: true, style: 'lost' });
        mend();
      });
      return () => {
        mend();
        release();
        if (!host.up) host.start();
      };
    },
  }),

  'sync-error': fault({
    id: 'K13',
    about: 'one sync fails, which taints the journal; the host ends by itself and is started again',
    shape: seededHost,
    loses: 'detected',
    choose: lossyHost,
    apply: ({ cluster, target, budget, effect }, { host }) => {
      const struck = target(host);
      if (struck?.up !== true) return undefined;
      const release = budget.take(host);
      effect();
      cluster.journals.failNextSync(host);
      return () => {
        release();
        if (!struck.up) struck.start();
      };
    },
  }),

  'sync-error-sticky': fault({
    id: 'K14',
    about: 'every sync fails for a while, also those of the host when it is started again',
    shape: seededHost,
    loses: 'detected',
    choose: lossyHost,
    apply: ({ cluster, target, budget, effect }, { host }) => {
      const struck = target(host);
      if (struck?.up !== true) return undefined;
      const release = budget.take(host);
      effect();
      cluster.journals.failSyncs(host, true);
      return () => {
        cluster.journals.failSyncs(host, false);
        release();
        if (!struck.up) struck.start();
      };
    },
  }),

  'disk-full': fault({
    id: 'K15',
    about: 'a disk has only a few kilobytes left: appending, allocating or a snapshot meets ENOSPC',
    shape: { host: 'host', leftBytes: 'number' },
    needs: ['disk'],
    choose: (choice) => ({ ...anyHost(choice), leftBytes: choice.random.pick([0, 1000, 20_000, 100_000]) }),
    apply: ({ cluster, target, effect }, { host, leftBytes }) => {
      const disk = cluster.journals.diskOf(host);
      if (disk === undefined || target(host) === undefined) return undefined;
      const enlarge = disk.limitSpace(disk.image.usedBytes + Math.max(0, leftBytes));
      const undo = disk.trouble({ refused: effect });
      return () => {
        undo();
        enlarge();
      };
    },
  }),

  'short-writes': fault({
    id: 'K16',
    about: 'writes take a part of their bytes first and the rest later, with time to crash in between',
    shape: seededHost,
    needs: ['disk'],
    choose: (choice) => ({ ...anyHost(choice), seed: choice.random.u32() }),
    apply: ({ cluster, target, effect }, { host, seed }) => {
      const disk = cluster.journals.diskOf(host);
      if (disk === undefined || target(host) === undefined) return undefined;
      const random = seededRandom(seed);
      return disk.trouble({
        splits: (length) => {
          if (!random.chance(0.5)) return 0;
          effect();
          return 1 + random.below(length - 1);
        },
      });
    },
  }),

  'disk-slow': fault({
    id: 'K17',
    about: 'a disk takes 10 to 1000 times as long',
    shape: { host: 'host', factor: 'number' },
    choose: (choice) => ({ ...anyHost(choice), factor: Math.round(10 * 100 ** choice.random.fraction()) }),
    apply: ({ cluster, target, effect }, { host, factor }) => {
      if (target(host) === undefined || factor <= 0) return undefined;
      effect();
      cluster.journals.slow(host, factor);
      return () => cluster.journals.slow(host, 1);
    },
  }),

  'disk-hang': fault({
    id: 'K18',
    about: 'a disk answers nothing, and then everything',
    shape: oneHost,
    choose: anyHost,
    apply: ({ cluster, target, lastsMs, effect }, { host }) => {
      if (target(host) === undefined) return undefined;
      effect();
      cluster.journals.hang(host, lastsMs);
      return () => cluster.journals.hang(host, 0);
    },
    frozen: ({ cluster, lastsMs }, { host }) => cluster.journals.hang(host, lastsMs),
  }),

  'disk-wiped': fault({
    id: 'K19',
    about: 'a host dies and finds an empty disk when it is started again',
    shape: oneHost,
    loses: 'detected',
    needs: ['disk'],
    choose: ({ random, budget: { lossy } }) => (lossy.length === 0 ? undefined : { host: random.pick(lossy) }),
    apply: (strike, { host }) => {
      const { journals } = strike.cluster;
      if (journals.diskOf(host) === undefined) return undefined;
      const undo = killed(strike, [host], true);
      if (undo !== undefined) journals.wipe(host);
      return undo;
    },
  }),

  'disk-rolled-back': fault({
    id: 'K20',
    about: 'a machine goes down and comes back with what its disk held some time before',
    shape: oneHost,
    loses: 'silent',
    needs: ['disk'],
    choose: ({ random, budget: { forgetful } }) =>
      forgetful.length === 0 ? undefined : { host: random.pick(forgetful) },
    apply: ({ cluster, target, budget, after, lastsMs, effect }, { host: name }) => {
      const disk = cluster.journals.diskOf(name);
      const host = target(name);
      if (disk === undefined || host?.up !== true) return undefined;
      const release = budget.take(name);
      const old = disk.image.copy();
      after(lastsMs * 0.7, () => {
        if (target(name) === undefined) return;
        host.kill({ powerLost: true });
        disk.image.restore(old);
        effect();
      });
      return () => {
        release();
        if (!host.up) host.start();
      };
    },
  }),
};
