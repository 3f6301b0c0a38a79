import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShareCapability } from '#agent/contract/host-capabilities';
import { capabilitiesSchema } from '#agent/contract/capability';
import { systemClock } from '#agent/kit/clock';
import { exec } from '#agent/kit/exec';
import { silentLog } from '#agent/kit/log';
import { smallDisk, smallDiskMissing } from '#test/support/small-disk';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { parseMounts } from './mounts';
import { systemHost } from './host';
import type { Finding, Probe } from './probe';
import { allProbes } from './registry';
import { probeOnce } from './run';
import { placeOf, shareProbe } from './share';
import { MARK_FRESH_MS, readOrMakeShareId } from './share-marks';

const ANN = 'a'.repeat(32);
const BOB = 'b'.repeat(32);

const nodeOn = (shareDirectory: string, nodeId?: string): Probe<'share'> =>
  shareProbe({ shareDirectory, nodeId });

async function present(probe: Probe<'share'>): Promise<{ value: ShareCapability; text: string }> {
  const finding = await probe.probe(systemHost);
  if (finding.state !== 'present') throw new Error(finding.reason);
  return { value: finding.value, text: finding.derivation.join('\n') };
}

describe('the share probe', () => {
  test('is absent where none is set, and where there is none, each with what to do', async () => {
    const none = await shareProbe({ nodeId: ANN }).probe(systemHost);
    expect(none).toMatchObject({ state: 'absent', reason: 'no share is set' });
    expect(none.derivation[0]).toContain('shared_mount_path (SHARED_MOUNT_PATH)');
    for (const path of ['/nowhere/shared', '/etc/hostname/shared']) {
      const missing = await nodeOn(path, ANN).probe(systemHost);
      expect(missing).toMatchObject({ state: 'absent', reason: `there is no directory ${path}` });
    }
  });

  test('writes, measures, and tells a plain directory for what it is', async () => {
    await using folder = await tempDir();
    const { value, text } = await present(nodeOn(folder.path, ANN));
    expect(value).toMatchObject({ path: folder.path, writable: true, mount: 'directory', seenNodes: [] });
    expect(value.roundTripMs).toBeGreaterThan(0);
    expect(value.totalBytes).toBeGreaterThanOrEqual(value.availableBytes);
    expect(text).toContain('a plain directory of the local disk');
    expect(text).toContain('other machines do not see it');
    expect(await readdir(join(folder.path, '.ktrdr', 'nodes'))).toEqual([ANN]);
  });

  test('two nodes on one directory see its id and each other; on two directories they do not', async () => {
    await using folder = await tempDir();
    await using other = await tempDir();
    const [ann, bob] = [nodeOn(folder.path, ANN), nodeOn(folder.path, BOB)];
    const first = await present(ann);
    const second = await present(bob);
    expect(second.value.shareId).toBe(first.value.shareId);
    expect(second.value.seenNodes).toEqual([ANN]);
    expect((await present(ann)).value.seenNodes).toEqual([BOB]);
    const apart = await present(nodeOn(other.path, BOB));
    expect(apart.value.shareId).not.toBe(first.value.shareId);
    expect(apart.value.seenNodes).toEqual([]);
  });

  test('many who come first at once agree on one id', async () => {
    await using folder = await tempDir();
    const ids = await Promise.all(Array.from({ length: 32 }, () => readOrMakeShareId(folder.path)));
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect((await readdir(join(folder.path, '.ktrdr'))).toSorted()).toEqual(['nodes', 'share-id']);
  });

  test('passes over marks that are stale, and removes those of long ago', async () => {
    await using folder = await tempDir();
    await present(nodeOn(folder.path, ANN));
    const mark = join(folder.path, '.ktrdr', 'nodes', ANN);
    const { mtimeMs } = await stat(mark);
    const age = async (ageMs: number) =>
      await utimes(mark, (mtimeMs - ageMs) / 1000, (mtimeMs - ageMs) / 1000);
    await age(MARK_FRESH_MS - 10_000);
    expect((await present(nodeOn(folder.path, BOB))).value.seenNodes).toEqual([ANN]);
    await age(MARK_FRESH_MS + 10_000);
    expect((await present(nodeOn(folder.path, BOB))).value.seenNodes).toEqual([]);
    await age(8 * 24 * 3_600_000);
    expect((await present(nodeOn(folder.path, BOB))).value.seenNodes).toEqual([]);
    expect(await readdir(join(folder.path, '.ktrdr', 'nodes'))).toEqual([BOB]);
  });

  test('takes no other file for a mark, and leaves no mark without a node id', async () => {
    await using folder = await tempDir();
    await present(nodeOn(folder.path));
    const nodes = join(folder.path, '.ktrdr', 'nodes');
    expect(await readdir(nodes)).toEqual([]);
    await writeFile(join(nodes, 'notes.txt'), 'x');
    await mkdir(join(nodes, `${ANN}.d`));
    expect((await present(nodeOn(folder.path, BOB))).value.seenNodes).toEqual([]);
  });

  test('says that a share was wiped, and makes it anew', async () => {
    await using folder = await tempDir();
    const probe = nodeOn(folder.path, ANN);
    const before = await present(probe);
    await rm(join(folder.path, '.ktrdr'), { recursive: true });
    const after = await present(probe);
    expect(after.value.shareId).not.toBe(before.value.shareId);
    expect(after.text).toContain(`before ${before.value.shareId}: it was wiped`);
    expect((await present(probe)).text).not.toContain('wiped');
  });

  test('says so when the id is not one of ours', async () => {
    await using folder = await tempDir();
    await mkdir(join(folder.path, '.ktrdr'));
    await writeFile(join(folder.path, '.ktrdr', 'share-id'), 'hello');
    const { value, text } = await present(nodeOn(folder.path, ANN));
    expect(value).toMatchObject({ shareId: null, writable: true });
    expect(text).toContain('.ktrdr/share-id holds something else: remove it');
  });

  test('follows a symbolic link to what is mounted', async () => {
    await using folder = await tempDir();
    await mkdir(join(folder.path, 'real'));
    await symlink('real', join(folder.path, 'link'));
    const linked = await present(nodeOn(join(folder.path, 'link'), ANN));
    const real = await present(nodeOn(`${folder.path}/real/`, BOB));
    expect(linked.value.shareId).toBe(real.value.shareId);
  });

  test.skipIf(process.getuid?.() !== 0)(
    'is not writable for a user who may not, who still sees the others',
    async () => {
      await using folder = await tempDir();
      const { value } = await present(nodeOn(folder.path, ANN));
      await chmod(join(folder.path, '.ktrdr', 'nodes'), 0o755);
      const finding = await asNobody(folder.path);
      expect(finding).toMatchObject({
        state: 'present',
        value: { writable: false, roundTripMs: null, shareId: value.shareId, seenNodes: [ANN] },
      });
      expect(finding.derivation.join('\n')).toContain('this user may not write there');
    },
  );
});

test.skipIf(process.getuid?.() !== 0)(
  'is writable beside a mark that root left, which is named',
  async () => {
    await using folder = await tempDir();
    await chmod(folder.path, 0o777);
    await present(nodeOn(folder.path, BOB));
    const finding = await asNobody(folder.path);
    expect(finding).toMatchObject({ state: 'present', value: { writable: true } });
    const mark = join(folder.path, '.ktrdr', 'nodes', BOB);
    expect(finding.derivation).toContain(
      `others do not see this node: remove ${mark}, which another user left`,
    );
    expect(await readdir(join(folder.path, '.ktrdr', 'nodes'))).toEqual([BOB]);
  },
);

const noMounts = await smallDiskMissing('shares that are mounts');

describe.skipIf(noMounts)('a mounted share', () => {
  test('that is full is not writable, and is again when there is room', async () => {
    await using disk = await smallDisk(1);
    const probe = nodeOn(disk.path, ANN);
    expect((await present(probe)).value).toMatchObject({
      writable: true,
      mount: 'disk',
      filesystem: 'tmpfs',
    });
    await writeFile(join(disk.path, 'fill'), Buffer.alloc(2 ** 21)).catch(() => undefined);
    const full = await present(probe);
    expect(full.value).toMatchObject({ writable: false, roundTripMs: null });
    expect(full.text).toContain('it is full (ENOSPC)');
    await rm(join(disk.path, 'fill'));
    expect((await present(probe)).value.writable).toBe(true);
    expect(await readdir(join(disk.path, '.ktrdr', 'nodes'))).toEqual([ANN]);
  });

  test('that is read-only says so, with and without an id from before', async () => {
    await using disk = await smallDisk(1);
    await remount(disk.path, 'ro');
    const bare = await present(nodeOn(disk.path, ANN));
    expect(bare.value).toMatchObject({ writable: false, shareId: null, seenNodes: [] });
    expect(bare.text).toContain('mounted read-only (EROFS)');
    await remount(disk.path, 'rw');
    const { value } = await present(nodeOn(disk.path, BOB));
    await remount(disk.path, 'ro');
    const later = await present(nodeOn(disk.path, ANN));
    expect(later.value).toMatchObject({ writable: false, shareId: value.shareId, seenNodes: [BOB] });
  });
});

async function remount(path: string, mode: 'ro' | 'rw'): Promise<void> {
  const { code, stderr } = await exec(['mount', '-o', `remount,${mode}`, path], { timeoutMs: 10_000 });
  if (code !== 0) throw new Error(stderr);
}

async function asNobody(path: string): Promise<Finding<ShareCapability>> {
  const script = `
    process.setgid(65534); process.setuid(65534);
    const { shareProbe } = await import('${import.meta.dir}/share');
    const { systemHost } = await import('${import.meta.dir}/host');
    const probe = shareProbe({ shareDirectory: '${path}', nodeId: '${BOB}' });
    console.log(JSON.stringify(await probe.probe(systemHost)));`;
  const { stdout } = await exec([process.execPath, '-e', script], { timeoutMs: 20_000 });
  return JSON.parse(stdout) as Finding<ShareCapability>;
}

const pipesMissing = Bun.which('mkfifo') === null;

// Opening a pipe nobody writes to blocks its thread in the kernel, as a server that is away does.
test.skipIf(pipesMissing)(
  'a share that hangs takes one thread, and other files stay within reach',
  async () => {
    await using folder = await tempDir();
    const pipe = join(folder.path, '.ktrdr', 'share-id');
    await mkdir(join(folder.path, '.ktrdr'));
    await exec(['mkfifo', pipe], { timeoutMs: 5_000 });
    const targets = { stateDirectory: '/', cacheDirectory: '/', shareDirectory: folder.path, nodeId: ANN };
    const options = {
      probes: allProbes(targets),
      host: systemHost,
      clock: systemClock,
      log: silentLog,
      timeoutMs: 300,
    };
    const facts = await probeOnce(options);
    expect(facts.share).toEqual({ state: 'failed', error: 'no answer within 300 ms' });
    expect(facts.disk.state).toBe('present');
    expect(capabilitiesSchema.safeParse(facts).success).toBe(true);
    expect(await Promise.all(Array.from({ length: 64 }, () => systemHost.statfs('/')))).toHaveLength(64);
    // The server is back: the thread that waited comes home.
    await exec(['/bin/sh', '-c', `echo ${'c'.repeat(32)} > ${pipe}`], { timeoutMs: 5_000 });
    await waitUntil('the mark of the look that hung', async () =>
      (await readdir(join(folder.path, '.ktrdr', 'nodes'))).includes(ANN),
    );
  },
);

describe('placeOf()', () => {
  const mounts = parseMounts(
    [
      '1 0 8:2 / / rw - ext4 /dev/sda2 rw',
      '2 1 0:40 / /mnt/nas rw - nfs4 nas:/ktrdr rw',
      '3 1 0:41 / /mnt/shared rw - ext4 /dev/sdb1 rw',
      '4 1 0:42 /data /mnt/bind rw - nfs4 nas:/ktrdr rw',
      '5 1 0:43 / /srv rw - fuse.glusterfs gl1:/volume rw',
      '6 1 0:44 / /over rw - ext4 /dev/sdc1 rw',
      '7 6 0:45 / /over rw - nfs nas:/other rw',
    ].join('\n'),
  );

  test.each([
    ['/mnt/nas', 'network', 'nfs4', 'nas:/ktrdr'],
    ['/mnt/nas/deeper/down', 'network', 'nfs4', 'nas:/ktrdr'],
    ['/mnt/bind', 'network', 'nfs4', 'nas:/ktrdr'],
    ['/srv/ktrdr', 'network', 'fuse.glusterfs', 'gl1:/volume'],
    ['/mnt/shared', 'disk', 'ext4', '/dev/sdb1'],
    // A directory of another disk is not what somebody mounted there.
    ['/mnt/shared/deeper', 'directory', 'ext4', '/dev/sdb1'],
    ['/mnt/nasty', 'directory', 'ext4', '/dev/sda2'],
    ['/mnt', 'directory', 'ext4', '/dev/sda2'],
    // The later mount covers the earlier one.
    ['/over', 'network', 'nfs', 'nas:/other'],
  ])('%s is %s, %s of %s', (directory, mount, filesystem, source) => {
    expect(placeOf(directory, mounts)).toMatchObject({ mount, filesystem, source });
  });
});
