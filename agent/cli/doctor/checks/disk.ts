import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { broken, fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { errorCode } from '#agent/kit/error';
import { bytes } from '#agent/cli/figures';
import { gravest, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** PostgreSQL's log alone may take 512 MB, the bars of one sweep as much. */
const FREE_BYTES_MIN = 1024 * 2 ** 20;
/** Below this the database stops taking writes at any moment. */
const FREE_BYTES_LEAST = 100 * 2 ** 20;
const INODES_MIN = 1_000;

/** Space where state, cache and sockets are, or will be made. */
export const diskCheck: LocalCheck = {
  name: 'disk',
  topic: 'machine',
  about: 'space where state and cache are',
  run: checkDisk,
};

async function checkDisk(patient: Patient): Promise<Finding> {
  if (patient.homeless) return skipped('not known: nobody says where the directories are');
  const uses = new Map<string, Set<string>>();
  for (const { directories } of await patient.services()) {
    if (directories === null) continue;
    const { stateDir, cacheDir } = directories;
    uses.set(stateDir, (uses.get(stateDir) ?? new Set()).add('state_dir'));
    uses.set(cacheDir, (uses.get(cacheDir) ?? new Set()).add('cache_dir'));
  }
  if (uses.size === 0) return skipped('only the user of the service knows its directories');
  return gravest(await Promise.all([...uses].map(([path, settings]) => judgeSpace(path, [...settings]))));
}

async function judgeSpace(path: string, settings: string[]): Promise<Finding> {
  const space = await spaceOf(path);
  const free = space.bavail * space.bsize;
  const sentence = `${bytes(free)} of ${bytes(space.blocks * space.bsize)} free for ${path}`;
  const derivation = [`${sentence} (${settings.join(', ')}; statfs ${space.at})`];
  const [setting = 'state_dir'] = settings;
  const fix = `free space there, or set ${setting} to a directory on another disk`;
  if (free < FREE_BYTES_LEAST) {
    const least = `the database and running jobs need ${bytes(FREE_BYTES_LEAST)} at least`;
    return broken(`only ${sentence}: ${least}`, { fix, derivation });
  }
  // Some filesystems have no table of inodes and say zero.
  if (space.files > 0 && space.ffree < INODES_MIN) {
    return broken(`only ${space.ffree} more files fit at ${path}`, { fix, derivation });
  }
  if (free < FREE_BYTES_MIN) return warning(`only ${sentence}`, { fix, derivation });
  return fine(sentence, derivation);
}

/** Of the directory, or of the nearest one above that is there already. */
async function spaceOf(path: string) {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize, blocks, files, ffree } = await statfs(at);
      return { at, bavail, bsize, blocks, files, ffree };
    } catch (error) {
      const isMissing = errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR';
      if (!isMissing || at === dirname(at)) throw error;
    }
  }
}
