import { readFile, stat } from 'node:fs/promises';
import { errorCode, Fault } from '#agent/kit/error';
import type { Shell } from '#agent/cli/shell';

const BYTES_MAX = 4_096;

/** A key in base64, from a file or `-` for stdin: never from the command line, which others can read. */
export async function readKey(shell: Shell, path: string): Promise<string> {
  const text = (path === '-' ? await readStdin(shell) : await readKeyFile(path)).trim();
  if (/^[A-Za-z0-9+/]{20,60}={0,2}$/.test(text)) return text;
  const from = path === '-' ? 'stdin' : path;
  throw new Fault('bad_request', `Cannot use the key of ${from}: it is not one key in base64`, {
    hint: 'head -c 32 /dev/urandom | base64 makes one',
  });
}

async function readKeyFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size <= BYTES_MAX) return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Fault('bad_request', `Cannot read the key of ${path}: ${errorCode(cause) ?? 'it failed'}`, {
      hint: 'name a file with the key in base64, or - for stdin',
      cause,
    });
  }
  throw new Fault('bad_request', `Cannot read the key of ${path}: it is larger than ${BYTES_MAX} bytes`);
}

async function readStdin(shell: Shell): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const stream: AsyncIterable<Uint8Array> = shell.stdin();
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > BYTES_MAX) throw new Fault('bad_request', 'Cannot read the key of stdin: it does not end');
  }
  return Buffer.concat(chunks).toString('utf8');
}
