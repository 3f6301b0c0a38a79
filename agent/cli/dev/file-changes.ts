import { readdirSync, statSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#agent/kit/clock';

/** Files by absolute path, each with what changes when it is written or replaced. */
export type Snapshot = ReadonlyMap<string, string>;

/** Whatever a process loads from a checkout: code, and what is imported as text. Tests are not. */
const FOLDERS = ['agent', 'control'];
const SOURCE = /(?<!\.test)\.(ts|tsx|sql|css|html|txt|yaml)$/;
const FILES_MAX = 20_000;

/** The files that a watcher compares: the sources of a checkout, or a binary. */
export interface Watched {
  folders: string[];
  snapshot(): Snapshot;
}

export function watchedSources(root: string): Watched {
  const folders = FOLDERS.map((name) => join(root, name));
  return {
    folders,
    snapshot: () => {
      const found = folders.flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
      );
      const sources = found.filter((path) => SOURCE.test(path)).slice(0, FILES_MAX);
      return snapshotOf(sources);
    },
  };
}

/** A binary is replaced by renaming: its folder tells. */
export function watchedBinary(path: string): Watched {
  return { folders: [join(path, '..')], snapshot: () => snapshotOf([path]) };
}

function snapshotOf(paths: readonly string[]): Snapshot {
  const files = new Map<string, string>();
  for (const path of paths) {
    const status = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (status !== undefined) files.set(path, `${status.ino} ${status.size} ${status.mtimeNs}`);
  }
  return files;
}

/** Paths that were written, added or removed, sorted. */
export function changedFiles(before: Snapshot, after: Snapshot): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path)).toSorted();
}

export interface ChangeOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Whether there is nothing left to watch for. */
  isOver: () => boolean;
}

/** Nothing may have changed for so long: editors and version control write many files one by one. */
const QUIET_MS = 120;
/** Also without an event, since the system limits how many folders are watched. */
const LOOK_MS = 2_000;

/**
 * Waits for the next state of the files that differs from `before` and stands still. Events only wake
 * it up: what counts is the difference. Undefined when the signal aborts, or it is over.
 */
export async function nextSnapshot(
  watched: Watched,
  before: Snapshot,
  { clock, signal, isOver }: ChangeOptions,
): Promise<Snapshot | undefined> {
  using events = folderEvents(watched.folders);
  while (!signal.aborted && !isOver()) {
    const seen = watched.snapshot();
    if (changedFiles(before, seen).length === 0) {
      await clock.sleep(LOOK_MS, AbortSignal.any([signal, events.next()]));
      continue;
    }
    await clock.sleep(QUIET_MS, signal);
    if (changedFiles(seen, watched.snapshot()).length === 0) return seen;
  }
  return undefined;
}

/** `next()` aborts at the next event in the folders. */
function folderEvents(folders: readonly string[]): Disposable & { next(): AbortSignal } {
  let next = new AbortController();
  const watchers = folders.flatMap((folder): FSWatcher[] => {
    try {
      const watcher = watch(folder, { recursive: true }, () => next.abort());
      // Without it a folder that goes away would end the process.
      watcher.on('error', () => undefined);
      return [watcher];
    } catch {
      return [];
    }
  });
  return {
    next: () => {
      if (next.signal.aborted) next = new AbortController();
      return next.signal;
    },
    [Symbol.dispose]: () => {
      for (const watcher of watchers) watcher.close();
    },
  };
}
