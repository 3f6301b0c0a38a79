import { constants } from 'node:fs';
import { access, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { broken, fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { errorCode } from '#agent/kit/error';
import { lookupUser } from '#agent/kit/process';
import { holdingMount, readMounts, type Mount } from '#agent/probes/mounts';
import { gravest, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';
import type { Service } from '#agent/cli/doctor/services';

/** Whether the directories can be used by the user that the service runs as. */
export const directoriesCheck: LocalCheck = {
  name: 'directories',
  topic: 'node',
  about: 'whether the service can write where it must',
  run: checkDirectories,
};

interface Use {
  path: string;
  setting: 'state_dir' | 'runtime_dir' | 'cache_dir';
  service: Service;
  /** User id of who must be able to write there. */
  owner: number;
}

async function checkDirectories(patient: Patient): Promise<Finding> {
  if (patient.homeless) return skipped('not known: nobody says where the directories are');
  const mounts = await readMounts(patient.host);
  const uses = (await patient.services()).flatMap((service) => usesOf(service, patient.uid));
  if (uses.length === 0) return skipped('only the user of the service knows its directories');
  const findings = await Promise.all(
    uses.map(async (use) => (await judgeWay(use, patient)) ?? (await judge(use, { patient, mounts }))),
  );
  const worst = gravest(findings);
  if (worst.state !== 'ok') return worst;
  const missing = findings.filter(({ summary }) => summary.includes('will be made')).length;
  const rest = missing === 0 ? '' : `, ${missing} to be made at the first start`;
  return fine(`${uses.length - missing} can be written${rest}`, worst.derivation);
}

function usesOf(service: Service, uid: number): Use[] {
  const { directories, isRunning, listener } = service;
  if (directories === null) return [];
  // A service that does not run is started by whoever asks; root hands over what it is started with.
  const owner = isRunning && listener !== undefined ? listener.uid : uid;
  return [
    { path: directories.stateDir, setting: 'state_dir', service, owner },
    { path: directories.runtimeDir, setting: 'runtime_dir', service, owner },
    { path: directories.cacheDir, setting: 'cache_dir', service, owner },
  ];
}

/**
 * A control plane that root starts becomes run_as, and is given the directories themselves; what is
 * above them it must be able to enter. Null when it can, or where this is not so.
 */
async function judgeWay(
  { path, setting, service }: Use,
  { uid, settings }: Patient,
): Promise<Finding | null> {
  if (uid !== 0 || service.role !== 'control' || service.isRunning) return null;
  const { run_as } = settings.values;
  const user = lookupUser(run_as) ?? lookupUser(FALLBACK_USER);
  if (user === undefined) {
    return broken(`root starts the control plane, and there is no user ${run_as} that it could become`, {
      fix: `useradd --system ${run_as}, or set run_as (KTRDR_RUN_AS) to a user that exists`,
    });
  }
  for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
    const found = await stat(above).catch(() => undefined);
    if (found === undefined) continue;
    const { mode, uid: owner, gid } = found;
    const mayEnter = owner === user.uid ? mode & 0o100 : gid === user.gid ? mode & 0o010 : mode & 0o001;
    if (mayEnter !== 0) continue;
    return broken(`the control plane becomes user ${user.uid}, who may not enter ${above}`, {
      fix: `chmod a+x ${above}, or set ${setting} to a directory elsewhere`,
    });
  }
  return null;
}

/** Where there is no user of run_as, as the control plane itself has it. */
const FALLBACK_USER = 'nobody';

async function judge(
  use: Use,
  { patient, mounts }: { patient: Patient; mounts: readonly Mount[] },
): Promise<Finding> {
  const { path, setting, service } = use;
  const found = await stat(path).catch((error: unknown) => errorCode(error) ?? 'it failed');
  if (found === 'ENOENT') return await judgeParent(use, patient);
  if (typeof found === 'string') {
    return broken(`${path} (${setting}) cannot be looked at: ${found}`, {
      fix: `run doctor as the user of ${service.name}, or correct the mode of what is above ${path}`,
    });
  }
  if (!found.isDirectory()) {
    return broken(`${path} is a file`, { fix: `remove it, or set ${setting} to a directory` });
  }
  const problem = await whyNotWritable(path, { owner: use.owner, uid: patient.uid });
  const mount = holdingMount(path, mounts);
  const line = `${path} (${setting}) on ${mount?.type ?? 'an unknown filesystem'}`;
  if (problem !== null) return unwritable(use, problem);
  if (setting === 'cache_dir' && service.role === 'control' && mount?.options.includes('noexec') === true) {
    return broken(`${path} is mounted noexec, so that the database server in it cannot start`, {
      fix: `mount -o remount,exec ${mount.mountPoint}, or set cache_dir to another directory`,
    });
  }
  if (setting === 'state_dir' && mount?.type === 'tmpfs' && patient.fleet === undefined) {
    return warning(`${path} is in memory (tmpfs): identity and database are gone at the next boot`, {
      fix: 'set state_dir to a directory on a disk',
      derivation: [line],
    });
  }
  const how =
    use.owner === patient.uid ? 'written, renamed and removed a probe' : `user ${use.owner} may write there`;
  return fine(line, [`${line}: ${how}`]);
}

/** What is missing is made at the first start, where its parent lets us. */
async function judgeParent(use: Use, patient: Patient): Promise<Finding> {
  let parent = dirname(use.path);
  while (parent !== dirname(parent) && !(await exists(parent))) parent = dirname(parent);
  const problem = await whyNotWritable(parent, { owner: use.owner, uid: patient.uid });
  if (problem === null)
    return fine(`${use.path} will be made`, [`${use.path} (${use.setting}) will be made`]);
  return unwritable(use, `it does not exist, and ${parent} ${problem}`);
}

function unwritable({ path, setting, service, owner }: Use, problem: string): Finding {
  const fix = problem.includes('read-only')
    ? `mount -o remount,rw the filesystem of ${path}, or set ${setting} to another directory`
    : `install -d -o ${owner} ${path}, or set ${setting} to a directory that user ${owner} may write`;
  return broken(`${service.name} cannot use ${path} (${setting}): ${problem}`, { fix });
}

/** Null when it can. As the user itself by a probe file, for another by owner and mode. */
async function whyNotWritable(
  path: string,
  { owner, uid }: { owner: number; uid: number },
): Promise<string | null> {
  if (owner === uid) return await tryWriting(path);
  const { mode, uid: holder } = await stat(path);
  if (owner === 0) return null;
  const bits = holder === owner ? mode >> 6 : mode;
  if ((bits & 0o3) === 0o3) return null;
  return `its user ${owner} may not write there (owner ${holder}, mode ${(mode & 0o777).toString(8).padStart(4, '0')})`;
}

const STATES: Readonly<Record<string, string>> = {
  EACCES: 'may not be written by this user',
  EDQUOT: 'the quota of this user is used up',
  ENOSPC: 'the disk is full',
  EPERM: 'may not be written by this user',
  EROFS: 'is read-only',
};

/** Written, renamed as state is, and removed: what the agent does there all the time. */
async function tryWriting(path: string): Promise<string | null> {
  const probe = join(path, `.ktrdr-doctor-${crypto.randomUUID()}`);
  try {
    // A directory of others is not touched where the answer is clear.
    await access(path, constants.W_OK | constants.X_OK);
    await writeFile(probe, 'ktrdr-agent doctor\n', { flag: 'wx', mode: 0o600 });
    await rename(probe, `${probe}.renamed`);
    return null;
  } catch (error) {
    return STATES[errorCode(error) ?? ''] ?? errorCode(error) ?? 'it failed';
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
    await rm(`${probe}.renamed`, { force: true }).catch(() => undefined);
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
