import { readFileSync, statSync } from 'node:fs';
import { errorCode, Fault } from '#agent/kit/error';

/** Where a client gets its token. It is read lazily: the control plane may make the file later. */
export interface TokenSource {
  /** Throws Fault(unauthorized) when there is no token. */
  read(): string;
  /** Called after a 401: the next `read` looks again. */
  forget(): void;
  /** For errors: the file, or "the token". */
  readonly name: string;
}

const TOKEN_BYTES_MAX = 4096;

/** The token of a 0600 file, kept until the control plane refuses it. `warn` hears of a file that others can read. */
export function tokenFile(path: string, warn: (message: string) => void = () => undefined): TokenSource {
  let token: string | undefined;
  return {
    name: path,
    read() {
      token ??= readToken(path, warn);
      return token;
    },
    forget() {
      token = undefined;
    },
  };
}

export function fixedToken(token: string): TokenSource {
  return { name: 'the token', read: () => token, forget: () => undefined };
}

function readToken(path: string, warn: (message: string) => void): string {
  const hint =
    'the control plane makes it at its first start; token_file (KTRDR_TOKEN_FILE) names another, `ktrdr-agent dev up` starts a fleet';
  try {
    const { mode, size } = statSync(path);
    if (size > TOKEN_BYTES_MAX)
      throw new Fault('unauthorized', `Cannot read the token ${path}: it is too large`);
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      warn(`others can read the token ${path} (mode ${octal}): chmod 600 ${path}`);
    }
    const token = readFileSync(path, 'utf8').trim();
    if (/^[\x21-\x7e]+$/.test(token)) return token;
    throw new Fault('unauthorized', `Cannot read the token ${path}: it holds none`, { hint });
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const state = STATES[errorCode(cause) ?? ''] ?? errorCode(cause) ?? 'it failed';
    throw new Fault('unauthorized', `Cannot read the token ${path}: ${state}`, { cause, hint });
  }
}

const STATES: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};
