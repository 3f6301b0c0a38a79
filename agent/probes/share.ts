import { realpath } from 'node:fs/promises';
import type { ShareCapability } from '#agent/contract/host-capabilities';
import { errorCode } from '#agent/kit/error';
import { holdingMount, readMounts, type Mount } from './mounts';
import type { HostReader } from './host';
import type { Finding, Probe } from './probe';
import { leaveMark, readOrMakeShareId, seenNodes, type LeftMark } from './share-marks';

export interface ShareTargets {
  shareDirectory?: string | undefined;
  /** Without it the directory is tried, and nothing is left there. */
  nodeId?: string | undefined;
}

/**
 * The directory that all agents share. Everything is read and written one after the other: a server
 * that is away holds one thread of the pool, and run.ts starts no second look before it lets go.
 */
export function shareProbe({ shareDirectory, nodeId }: ShareTargets): Probe<'share'> {
  let lastShareId: string | null = null;
  return {
    name: 'share',
    periodMs: SHARE_PERIOD_MS,
    // fsync over a busy network takes longer than a look at /proc; the start of the agent does not wait for it.
    timeoutMs: 2_000,
    isLate: true,
    probe: async (host) => {
      if (shareDirectory === undefined) return NOT_SET;
      const finding = await probeShare(host, { directory: shareDirectory, nodeId, lastShareId });
      if (finding.state === 'present') lastShareId = finding.value.shareId ?? lastShareId;
      return finding;
    },
  };
}

const SHARE_PERIOD_MS = 60_000;

const NOT_SET: Finding<never> = {
  state: 'absent',
  reason: 'no share is set',
  derivation: [
    'files go through the API; set shared_mount_path (SHARED_MOUNT_PATH) where agents share a mount',
  ],
};

interface Look {
  directory: string;
  nodeId: string | undefined;
  lastShareId: string | null;
}

async function probeShare(host: HostReader, look: Look): Promise<Finding<ShareCapability>> {
  const directory = await realDirectory(look.directory);
  const space = directory === null ? null : await host.statfs(directory);
  if (directory === null || space === null) {
    const fix = 'mount the share there, or correct shared_mount_path (SHARED_MOUNT_PATH)';
    return { state: 'absent', reason: `there is no directory ${look.directory}`, derivation: [fix] };
  }
  const place = placeOf(directory, await readMounts(host));
  const identity = await orRefusal(readOrMakeShareId(directory));
  const shareId = identity.value;
  const mark = await orRefusal(leaveMark(directory, look.nodeId));
  const others = await orRefusal(seenNodes(directory, { nodeId: look.nodeId, mark: mark.value }));
  const seen = others.value ?? [];
  return {
    state: 'present',
    value: {
      path: look.directory,
      filesystem: place.filesystem,
      source: place.source,
      mount: place.mount,
      shareId,
      writable: mark.value !== null,
      roundTripMs: mark.value?.roundTripMs ?? null,
      ...space,
      seenNodes: seen,
    },
    derivation: [
      place.line,
      writeLine(directory, mark),
      ...(mark.value?.foreignMark
        ? [`others do not see this node: remove ${mark.value.foreignMark}, which another user left`]
        : []),
      ...idLines(identity, look.lastShareId),
      seen.length === 0
        ? 'no other node left a mark there of late'
        : `also seen there, ${seen.length}: ${seen.slice(0, 10).join(', ')}`,
    ],
  };
}

/** Mounts are listed without symbolic links; null when there is no such directory. */
async function realDirectory(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}

interface Attempted<T> {
  /** Null when the file system refused. */
  value: T | null;
  code: string | null;
}

/** What a file system refuses is a fact about it; everything else makes the look fail. */
async function orRefusal<T>(work: Promise<T | null>): Promise<Attempted<T>> {
  try {
    return { value: await work, code: null };
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined || !(code in REFUSALS)) throw error;
    return { value: null, code };
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there; let the user of the agent own it, or its group write',
  EDQUOT: 'the quota of this user is used up',
  ENOENT: 'it went away while it was looked at',
  ENOSPC: 'it is full',
  EPERM: 'this user may not write there; on NFS see root_squash of the export',
  EROFS: 'it is mounted read-only',
  ESTALE: 'its server forgot it (stale file handle): mount it again',
};

function writeLine(directory: string, { value, code }: Attempted<LeftMark>): string {
  if (value !== null) return `writable: one block written, fsynced and read back in ${value.roundTripMs} ms`;
  return `not writable: ${directory}: ${REFUSALS[code ?? ''] ?? code} (${code})`;
}

function idLines({ value: shareId, code }: Attempted<string>, lastShareId: string | null): string[] {
  if (shareId === null) {
    return [
      code === null
        ? 'its .ktrdr/share-id holds something else: remove it'
        : 'it has no share id, and none can be written',
    ];
  }
  if (lastShareId === null || lastShareId === shareId) return [`share id ${shareId}`];
  return [
    `share id ${shareId}, before ${lastShareId}: it was wiped, or another directory is mounted there now`,
  ];
}

interface Place {
  filesystem: string;
  source: string;
  mount: ShareCapability['mount'];
  line: string;
}

const NETWORK =
  /^(nfs4?|cifs|smb3|smbfs|ceph|9p|virtiofs|lustre|beegfs|afs|gpfs|glusterfs|fuse\.(glusterfs|sshfs|ceph|s3fs|rclone|mfs|cephfs|juicefs|nfs-ganesha))$/;

/** What the mount that holds a directory says of who else can see it. */
export function placeOf(directory: string, mounts: readonly Mount[]): Place {
  const mount = holdingMount(directory, mounts);
  const filesystem = (mount?.type ?? 'unknown').slice(0, 60);
  const source = (mount?.source ?? '').slice(0, 500);
  const what = `${filesystem}${source === '' ? '' : ` of ${source}`}`;
  if (mount !== undefined && NETWORK.test(mount.type)) {
    return { filesystem, source, mount: 'network', line: `${what}, mounted at ${mount.mountPoint}` };
  }
  if (mount?.mountPoint === directory) {
    const line = `${what}, mounted at ${directory}: a disk, which only nodes of this machine can share`;
    return { filesystem, source, mount: 'disk', line };
  }
  const line = `a plain directory of the local disk (${what}): nothing is mounted at ${directory}, other machines do not see it`;
  return { filesystem, source, mount: 'directory', line };
}
