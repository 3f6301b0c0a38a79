import { randomBytes } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { writeFileDurably } from '#agent/kit/durable-file';
import { errorCode, Fault } from '#agent/kit/error';

/** The token of the API: what the file holds, or a new one in a new file that only its owner reads. */
export async function ensureToken(path: string): Promise<string> {
  const existing = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new Fault('environment', `Cannot read the token file ${path}: ${errorCode(error) ?? 'it failed'}`, {
      cause: error,
      hint: 'set token_file to a file that this user may read',
    });
  });
  if (existing === undefined) {
    const token = randomBytes(32).toString('base64url');
    writeFileDurably(path, `${token}\n`, 0o600);
    return token;
  }
  const token = existing.trim();
  if (token.length < TOKEN_CHARACTERS_MIN) {
    throw new Fault(
      'environment',
      `Cannot use the token in ${path}: it has fewer than ${TOKEN_CHARACTERS_MIN} characters`,
      {
        hint: 'delete the file: a new token is made at the next start, which agents then need too',
      },
    );
  }
  await chmod(path, 0o600);
  return token;
}

const TOKEN_CHARACTERS_MIN = 32;
