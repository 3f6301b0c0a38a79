import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { broken, fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { errorCode } from '#agent/kit/error';
import { processIdentity } from '#agent/kit/process';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';
import type { Service } from '#agent/cli/doctor/services';

/** The database server that the control plane of this machine carries: data, process and user. */
export const postgresCheck: LocalCheck = {
  name: 'postgres',
  topic: 'node',
  about: 'the database server that the control plane carries',
  run: checkPostgres,
};

async function checkPostgres(patient: Patient): Promise<Finding> {
  if (patient.homeless) return skipped('not known: nobody says where the directories are');
  const control = (await patient.services()).find(({ role }) => role === 'control');
  if (control === undefined) return skipped('no control plane on this machine');
  if (control.settings.values.database_url !== undefined) return skipped('database_url names another server');
  if (control.directories === null) return skipped('only the user of the control plane knows its state_dir');
  return await judgeServer(control, { ...patient, stateDir: control.directories.stateDir });
}

async function judgeServer(
  { isRunning, startCommand }: Service,
  { host, uid, stateDir }: Patient & { stateDir: string },
): Promise<Finding> {
  const data = join(stateDir, 'postgres');
  const found = await stat(data).catch((error: unknown) => errorCode(error) ?? 'it failed');
  if (found === 'ENOENT')
    return fine('made at the first start of the control plane', [`there is no ${data} yet`]);
  if (typeof found === 'string') return skipped(`${data} cannot be looked at: ${found}`);
  const derivation = [`data in ${data}, which belongs to user ${found.uid}`];
  // PostgreSQL takes 0700 and 0750.
  if ((found.mode & 0o027) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
    return broken(`${data} has mode ${mode}: PostgreSQL does not start on it`, {
      fix: `chmod 700 ${data}`,
      derivation,
    });
  }
  const files = await readServerFiles(data);
  if (files === null) {
    return skipped(
      `only user ${found.uid} may look into ${data}${uid === 0 ? '' : ' (or root)'}`,
      derivation,
    );
  }
  derivation.push(`its files are of PostgreSQL ${files.version}`);
  const process = files.pid === null ? undefined : processIdentity(files.pid);
  if (process === undefined) {
    if (!isRunning) return fine(`PostgreSQL ${files.version}, stopped with its control plane`, derivation);
    return broken('the control plane runs, its PostgreSQL does not', {
      fix: `it is started again within seconds; if not, ${join(stateDir, 'postgres.log')} says why`,
      derivation,
    });
  }
  const owner = await userOf(host, process.pid);
  derivation.push(
    `postmaster is pid ${process.pid}, run by user ${owner ?? 'not known'} (/proc/${process.pid}/status)`,
  );
  if (!isRunning) {
    return warning(`PostgreSQL (pid ${process.pid}) runs without its control plane`, {
      fix: `${startCommand}: it takes the server over`,
      derivation,
    });
  }
  return fine(
    `PostgreSQL ${files.version}, pid ${process.pid}, run by user ${owner ?? 'not known'}`,
    derivation,
  );
}

async function readServerFiles(data: string): Promise<{ version: string; pid: number | null } | null> {
  try {
    const version = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
    const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
    const pid = Number.parseInt(text, 10);
    return { version, pid: Number.isSafeInteger(pid) && pid > 0 ? pid : null };
  } catch (error) {
    if (errorCode(error) === 'EACCES' || errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function userOf(host: Patient['host'], pid: number): Promise<number | null> {
  const uid = /^Uid:\s+(\d+)/m.exec((await host.readText(`/proc/${pid}/status`)) ?? '')?.[1];
  return uid === undefined ? null : Number(uid);
}
