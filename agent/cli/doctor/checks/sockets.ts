import { join } from 'node:path';
import { broken, fine, skipped, type Finding } from '#agent/contract/doctor';
import { gravest, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';
import type { Service } from '#agent/cli/doctor/services';

/** sockaddr_un holds 108 bytes, the last of which is NUL (unix(7)). */
const PATH_BYTES_MAX = 107;
const UUID_LENGTH = 36;

/** Whether the paths of the unix sockets fit into what the kernel takes. */
export const socketsCheck: LocalCheck = {
  name: 'sockets',
  topic: 'node',
  about: 'whether the paths of unix sockets are short enough',
  run: checkSockets,
};

async function checkSockets(patient: Patient): Promise<Finding> {
  if (patient.homeless) return skipped('not known: nobody says where the directories are');
  const paths = (await patient.services()).flatMap(socketPath);
  if (paths.length === 0) return skipped('nothing of this user here has a unix socket');
  // Of those that fit the longest speaks.
  return gravest(paths.toSorted((left, right) => right.length - left.length).map(judge));
}

function socketPath({ role, directories, settings }: Service): string[] {
  if (directories === null) return [];
  const { runtimeDir } = directories;
  if (role === 'worker') return [join(runtimeDir, 'shims', 'x'.repeat(UUID_LENGTH), 'socket')];
  return settings.values.database_url === undefined ? [join(runtimeDir, 'pg', '.s.PGSQL.5432')] : [];
}

function judge(path: string): Finding {
  const bytes = Buffer.byteLength(path);
  const sentence = `${path} has ${bytes} of at most ${PATH_BYTES_MAX} bytes`;
  if (bytes <= PATH_BYTES_MAX) return fine(`${bytes} of at most ${PATH_BYTES_MAX} bytes`, [sentence]);
  return broken(`the path of a socket would have ${bytes} bytes, the system allows ${PATH_BYTES_MAX}`, {
    fix: 'set runtime_dir to a shorter path, such as KTRDR_RUNTIME_DIR=/run/ktrdr',
    derivation: [sentence],
  });
}
