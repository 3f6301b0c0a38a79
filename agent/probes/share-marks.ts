import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { errorCode } from '#agent/kit/error';

/** What the nodes keep on a share for each other: its id, and one mark each. */
const FOLDER = '.ktrdr';
const MARKS = join(FOLDER, 'nodes');
const ID_FILE = join(FOLDER, 'share-id');
const ID_CHARS = 32;
const BLOCK_BYTES = 4096;
/** Three looks of a node: one may be slow, one may fail. */
export const MARK_FRESH_MS = 3 * 60_000;
const MARK_FORGOTTEN_MS = 7 * 24 * 3_600_000;
const MARKS_MAX = 256;
/** Of a slow server the first marks are enough: the look as a whole has its time-out. */
const LOOK_ROUND_MS = 400;

/** Id of the share; made by whoever comes first. Null when its file holds something else. */
export async function readOrMakeShareId(directory: string): Promise<string | null> {
  const path = join(directory, ID_FILE);
  const found = await readId(path);
  if (found !== undefined) return found;
  await makeFolders(directory);
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  await writeFile(draft, `${randomBytes(16).toString('hex')}\n`, { flush: true, flag: 'wx' });
  try {
    await claimName(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  return (await readId(path)) ?? null;
}

/** A link appears with its content; where a file system has none, the file is made exclusively, and then filled. */
async function claimName(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'EEXIST') return;
    if (!NO_LINKS.includes(code)) throw error;
    const content = await readFile(draft);
    await writeFile(path, content, { flush: true, flag: 'wx' }).catch((cause: unknown) => {
      if (errorCode(cause) !== 'EEXIST') throw cause;
    });
  }
}

const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

async function readId(path: string): Promise<string | null | undefined> {
  try {
    await using file = await open(path, 'r');
    // Whatever lies there, no more of it than an id is read.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(ID_CHARS + 2), 0, ID_CHARS + 2, null);
    const text = buffer.toString('utf8', 0, bytesRead).trimEnd();
    return /^[0-9a-f]{32}$/.test(text) ? text : null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Open to every user, as /tmp is: the agents of two machines rarely have one user id. */
async function makeFolders(directory: string): Promise<void> {
  for (const folder of [FOLDER, MARKS]) {
    const path = join(directory, folder);
    try {
      await mkdir(path);
      await chmod(path, 0o1777);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
}

export interface LeftMark {
  /** To write, fsync and read back one block. */
  roundTripMs: number;
  /** By the clock of the share's server, which all marks have in common. */
  atMs: number;
  /** The mark of this node that may not be replaced, since another user left it; null when all is well. */
  foreignMark: string | null;
}

/** Writes one block and reads it back; with a node id it stays there as the mark of this node. */
export async function leaveMark(directory: string, nodeId: string | undefined): Promise<LeftMark> {
  await makeFolders(directory);
  const draft = join(directory, MARKS, `.${randomBytes(16).toString('hex')}`);
  const block = Buffer.alloc(BLOCK_BYTES, ' ');
  block.write(`${nodeId ?? 'a passing look'}\n${randomBytes(32).toString('hex')}\n`);
  try {
    const startMs = performance.now();
    await writeFile(draft, block, { flush: true, flag: 'wx', mode: 0o644 });
    const same = block.equals(await readFile(draft));
    const roundTripMs = Math.round((performance.now() - startMs) * 100) / 100;
    if (!same) throw new Error(`${directory} gave back another block than was written`);
    const { mtimeMs } = await stat(draft);
    const foreignMark =
      nodeId === undefined ? null : await replaceMark(draft, join(directory, MARKS, nodeId));
    return { roundTripMs, atMs: mtimeMs, foreignMark };
  } finally {
    await rm(draft, { force: true });
  }
}

/** An agent that ran as root before it had a user of its own left a mark that its user cannot touch. */
async function replaceMark(draft: string, mark: string): Promise<string | null> {
  try {
    await rename(draft, mark);
    return null;
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    return mark;
  }
}

/** Other nodes whose marks are fresh, sorted; marks of nodes long gone are removed. */
export async function seenNodes(
  directory: string,
  { nodeId, mark }: { nodeId: string | undefined; mark: LeftMark | null },
): Promise<string[]> {
  const names = (await readMarks(directory)).filter((name) => name !== nodeId).slice(0, MARKS_MAX);
  // Without a mark of our own only this machine's clock is left to compare with.
  const nowMs = mark?.atMs ?? systemClock.nowMs();
  const seen: string[] = [];
  const startMs = performance.now();
  for (const name of names) {
    if (performance.now() - startMs > LOOK_ROUND_MS) break;
    const ageMs = nowMs - (await modifiedMs(join(directory, MARKS, name)));
    if (Math.abs(ageMs) <= MARK_FRESH_MS) seen.push(name);
    else if (mark !== null && ageMs > MARK_FORGOTTEN_MS) await forget(join(directory, MARKS, name));
  }
  return seen;
}

async function readMarks(directory: string): Promise<string[]> {
  try {
    const names = await readdir(join(directory, MARKS));
    return names.filter((name) => /^[0-9a-f]{32}$/.test(name)).toSorted();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Long ago for a mark that went meanwhile. */
async function modifiedMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** Only its owner, or the owner of the folder, may; the others leave it to them. */
async function forget(path: string): Promise<void> {
  try {
    await rm(path);
  } catch (error) {
    if (!['EACCES', 'ENOENT', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error;
  }
}
