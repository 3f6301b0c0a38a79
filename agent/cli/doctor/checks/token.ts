import { stat } from 'node:fs/promises';
import { broken, fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { errorCode, Fault } from '#agent/kit/error';
import { isLoopbackAddress } from '#agent/kit/ip-address';
import { settingsOfProcess } from '#agent/cli/doctor/running-settings';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** The token of the API: there, ours alone, and accepted. Its content is never shown. */
export const tokenCheck: LocalCheck = {
  name: 'token',
  topic: 'node',
  about: 'the token of the API: there, private, accepted',
  run: checkToken,
};

async function checkToken(patient: Patient): Promise<Finding> {
  if (patient.homeless && patient.settings.origins.token_file.from === 'default') {
    return skipped('not known: nobody says where the directories are');
  }
  const path = patient.settings.values.token_file;
  const found = await stat(path).catch((error: unknown) => errorCode(error) ?? 'it failed');
  if (typeof found === 'string') return await missing(path, found, patient);
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
  const answer = await patient.report();
  const derivation = [`${path} has mode ${mode} and belongs to user ${found.uid}`];
  if (answer instanceof Fault && answer.code === 'unauthorized') {
    const isLocal = answer.message.includes(path);
    return broken(isLocal ? answer.message : `the control plane does not accept the token of ${path}`, {
      fix: isLocal
        ? `run as user ${found.uid}, or set token_file (KTRDR_TOKEN_FILE) to a copy of mode 0600 that this user may read`
        : ((await localToken(path, patient)) ?? ELSEWHERE),
      derivation,
    });
  }
  if ((found.mode & 0o077) !== 0) {
    return warning(`others can read the token ${path} (mode ${mode})`, {
      fix: `chmod 600 ${path}`,
      derivation,
    });
  }
  if (answer instanceof Fault) {
    derivation.push('whether it is accepted is not known: the control plane did not answer');
    return fine(`mode ${mode}; not tried, since the control plane does not answer`, derivation);
  }
  derivation.push('the control plane accepts it');
  return fine(`accepted by the control plane, mode ${mode}`, derivation);
}

const ELSEWHERE =
  'copy it from the control plane (the file token in its state_dir, mode 0600), or set token_file (KTRDR_TOKEN_FILE); on one machine `ktrdr-agent dev up` does both';

/** The file of a control plane on this machine, where this user may know it. */
async function localToken(path: string, patient: Patient): Promise<string | null> {
  const url = new URL(patient.settings.values.api_url);
  if (!isLoopbackAddress(url.hostname)) return null;
  const listener = (await patient.listeners())?.find(({ port }) => port === Number(url.port));
  const holder = listener && (await patient.holders()).get(listener.inode);
  const settings = holder && (await settingsOfProcess(holder.pid, patient.uid));
  const file = settings?.values.token_file;
  if (file === undefined || file === path) return null;
  return `set token_file to that of the control plane here: KTRDR_TOKEN_FILE=${file}`;
}

async function missing(path: string, code: string, patient: Patient): Promise<Finding> {
  const isMade = (await patient.services()).some(({ role }) => role === 'control');
  const { health } = await patient.control();
  if (code === 'ENOENT' && isMade && health === null) {
    return fine('made at the first start of the control plane', [`there is no ${path} yet`]);
  }
  const state = code === 'ENOENT' ? 'there is no such file' : code;
  return broken(`the token ${path} cannot be read: ${state}`, {
    fix: (await localToken(path, patient)) ?? ELSEWHERE,
    derivation: [`token_file is ${path}`],
  });
}
