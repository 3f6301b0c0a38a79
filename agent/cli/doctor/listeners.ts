import { readdir, readFile, readlink } from 'node:fs/promises';
import type { HostReader } from '#agent/probes/host';

/** A listening TCP socket of this machine. */
export interface Listener {
  port: number;
  uid: number;
  inode: string;
}

/** A process as others may know it: never its arguments, which may hold secrets. */
export interface Holder {
  pid: number;
  /** The kernel's name of it, such as nginx. */
  name: string;
  /** Null where it belongs to another user. */
  executable: string | null;
}

const LISTENING = '0A';

/** Null where the system does not list them (/proc/net/tcp, proc_net(5)). */
export async function readListeners(host: HostReader): Promise<Listener[] | null> {
  const texts = await Promise.all([host.readText('/proc/net/tcp'), host.readText('/proc/net/tcp6')]);
  return texts.every((text) => text === null) ? null : texts.flatMap((text) => parseListeners(text ?? ''));
}

/** Lines such as "0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 4711 …". */
export function parseListeners(text: string): Listener[] {
  return text.split('\n').flatMap((line) => {
    const [, local, , state, , , , uid, , inode] = line.trim().split(/\s+/);
    const port = Number.parseInt(local?.split(':').at(-1) ?? '', 16);
    if (state !== LISTENING || Number.isNaN(port) || inode === undefined) return [];
    return [{ port, uid: Number(uid), inode }];
  });
}

/**
 * The processes that have these sockets open, by inode: one walk over /proc for all of them. Those of
 * other users are not there, unless this is root.
 */
export async function findHolders(
  listeners: readonly Listener[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Holder>> {
  const wanted = new Set(listeners.map(({ inode }) => inode));
  const found = new Map<string, Holder>();
  for (const entry of wanted.size === 0 ? [] : await readdir('/proc').catch(() => [])) {
    const pid = Number(entry);
    if (!Number.isSafeInteger(pid)) continue;
    if (signal.aborted || found.size === wanted.size) break;
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
    const inodes = links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
    const held = inodes.filter((inode) => wanted.has(inode) && !found.has(inode));
    if (held.length === 0) continue;
    const holder = await describeProcess(pid);
    for (const inode of held) found.set(inode, holder);
  }
  return found;
}

async function describeProcess(pid: number): Promise<Holder> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  const executable = await readlink(`/proc/${pid}/exe`).catch(() => null);
  return { pid, name: name.trim(), executable: executable?.replace(/ \(deleted\)$/, '') ?? null };
}
