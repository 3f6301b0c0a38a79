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

/** The process that has this socket open; undefined when it belongs to another user, or is gone. */
export async function findHolder(inode: string, signal: AbortSignal): Promise<Holder | undefined> {
  const wanted = `socket:[${inode}]`;
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (signal.aborted) return undefined;
    const pid = Number(entry);
    if (!Number.isSafeInteger(pid)) continue;
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
    if (links.includes(wanted)) return await describeProcess(pid);
  }
  return undefined;
}

export async function describeProcess(pid: number): Promise<Holder> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  const executable = await readlink(`/proc/${pid}/exe`).catch(() => null);
  return { pid, name: name.trim(), executable: executable?.replace(/ \(deleted\)$/, '') ?? null };
}
