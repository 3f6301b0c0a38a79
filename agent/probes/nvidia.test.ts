import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gpuCapabilitySchema, type GpuCapability } from '#agent/contract/gpu-capability';
import { present } from '#agent/kit/assert';
import { describeError, Fault } from '#agent/kit/error';
import { descendants, processIdentity } from '#agent/kit/process';
import { fakeNvidia, noFakeNvidia, type FakeNvidia } from '#test/support/fake-nvidia';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { systemHost, systemHostWith, type HostReader } from './host';
import { nvidiaProbe } from './nvidia';
import { emptyHost } from './recording/recorded-host';

const MAIN = join(import.meta.dir, '../main.ts');
const NVRM = 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n';
/** A machine with nothing but what a test gives it, on which this program can be started. */
const started = systemHostWith([process.execPath, MAIN]);
const bare = askable(emptyHost);

function askable(host: HostReader): HostReader {
  return { ...host, run: (argv, options) => started.run(argv, options) };
}

function withFiles(files: Record<string, string>, lists: Record<string, string[]> = {}): HostReader {
  return {
    ...bare,
    readText: (path) => Promise.resolve(files[path] ?? null),
    list: (path) => Promise.resolve(lists[path] ?? null),
    readLink: (path) => Promise.resolve(files[`link ${path}`] ?? null),
    openDevice: (path) => Promise.resolve(files[`open ${path}`] ?? 'missing'),
    run: () => Promise.reject(new Error('no process is to be started')),
  };
}

if (noFakeNvidia !== undefined) console.log(`skipped: ${noFakeNvidia}`);
describe.skipIf(noFakeNvidia !== undefined)('the process that asks the libraries', () => {
  let fake: FakeNvidia;
  beforeAll(async () => {
    fake = await fakeNvidia();
  });
  afterAll(() => fake[Symbol.asyncDispose]());

  async function look(levels: Record<string, number>, host: HostReader = bare): Promise<GpuCapability> {
    await fake.control(levels);
    const finding = await nvidiaProbe(fake.directory).probe(host);
    expect(finding.state).toBe('present');
    return gpuCapabilitySchema.parse('value' in finding ? finding.value : undefined);
  }

  async function trouble(levels: Record<string, number>, host: HostReader = bare): Promise<string> {
    await fake.control(levels);
    const error: unknown = await nvidiaProbe(fake.directory)
      .probe(host)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Fault);
    return describeError(error);
  }

  test('proves one device and gives its figures', async () => {
    expect(await look({ devices: 1 })).toEqual({
      vendor: 'nvidia',
      gpuType: 'CUDA',
      driver: '550.54.15',
      runtime: 'CUDA 12.4',
      devices: [
        {
          index: 0,
          id: 'GPU-00000000-0000-0000-0000-000000000000',
          model: 'NVIDIA H200',
          memoryTotalBytes: 150_754_820_096,
          memoryUsedBytes: 600_000_000,
          utilisationPercent: 7,
          allocation: { state: 'proved', bytes: 16 * 2 ** 20 },
        },
      ],
    });
  });

  test('tells devices apart by their addresses, since CUDA numbers them otherwise', async () => {
    const { devices } = await look({ devices: 2, alloc0: 214 });
    expect(devices.map(({ allocation }) => allocation.state)).toEqual(['failed', 'proved']);
    expect(devices[0]?.allocation).toMatchObject({
      error: expect.stringContaining('CUDA_ERROR_ECC_UNCORRECTABLE (cuMemAlloc_v2 gave 214)'),
    });
  });

  const HALF = 80_000_000_000;
  const NEARLY_ALL = 150_500_000_000;
  test.each([
    ['the memory is in use by others', { alloc0: 2, used0: HALF }, /^74.5 GiB of 140.4 GiB/],
    ['so little is free that it is not tried', { alloc0: 214, used0: NEARLY_ALL }, /^140.2 GiB of/],
    ['another process has it for itself', { context0: 46, mode0: 3 }, /for itself/],
  ])('calls a device busy where %s', async (_, levels, reason) => {
    const { devices } = await look({ devices: 1, ...levels });
    expect(devices[0]?.allocation).toEqual({ state: 'busy', reason: expect.stringMatching(reason) });
  });

  test.each([
    ['allocation fails though the memory is free', { alloc0: 2 }, /OUT_OF_MEMORY .*0.6 GiB in use.*Xid/],
    ['memory gives back something else', { garble0: 1 }, /what was read back is not what was written/],
    ['work is forbidden', { mode0: 2 }, /nvidia-smi -c DEFAULT/],
    ['it fell off the bus', { lost0: 1 }, /GPU is lost .*fallen off the bus.*reboot/],
    ['NVSwitch is not ready', { cuInit: 802 }, /nvidia-fabricmanager/],
    ['the driver does not say', { init: 999 }, /Unknown Error .*dmesg/],
    ['no driver is loaded', { init: 9 }, /modprobe nvidia/],
    ['the driver shows nothing', { devices: 0 }, /shows no device/],
  ])('fails with what to do where %s', async (_, levels, message) => {
    expect(await trouble({ devices: 1, ...levels })).toMatch(message);
  });

  test('says how many more failed when all did', async () => {
    expect(await trouble({ devices: 3, lost0: 1, lost1: 1, lost2: 1 })).toMatch(/^All 3 devices: NVML: GPU/);
    expect(await trouble({ devices: 2, lost0: 1, alloc1: 214 })).toMatch(
      /^None of 2 devices works, the first/,
    );
  });

  test('says that a library cannot be loaded', async () => {
    await using folder = await tempDir();
    await Bun.write(join(folder.path, 'libnvidia-ml.so.1'), 'no library');
    const message = await nvidiaProbe(folder.path).probe(bare).then(String, describeError);
    expect(message).toMatch(/^libnvidia-ml.so.1 cannot be loaded: .*version 450 or later/s);
  });

  test('leaves a device that CUDA hides untried', async () => {
    const { devices } = await look({ devices: 2, hidden: 1 });
    expect(devices.map(({ allocation }) => allocation.state)).toEqual(['untried', 'proved']);
  });

  test('compares driver and library, on a machine and in a container', async () => {
    const machine = withFiles({ '/proc/driver/nvidia/version': NVRM.replace('550.54.15', '535.1.2') });
    const onMachine = await trouble({ init: 18 }, askable(machine));
    expect(onMachine).toMatch(
      /^Driver and library differ: the kernel runs 535.1.2, the library is 550.54.15. Reboot/,
    );
    const container = withFiles({ '/proc/self/cgroup': '0::/lxc/101\n', '/run/systemd/container': 'lxc\n' });
    const inContainer = await trouble({ init: 18 }, askable(container));
    expect(inContainer).toMatch(/in this container/);
  });

  test('sees a device go and come back', async () => {
    const probe = nvidiaProbe(fake.directory);
    const states: string[] = [];
    for (const levels of [{}, { lost0: 1 }, {}]) {
      await fake.control(levels);
      states.push(await probe.probe(bare).then(({ state }) => state, describeError));
    }
    const [first, second, third] = states;
    expect([first, third]).toEqual(['present', 'present']);
    expect(second).toContain('GPU is lost');
  });

  test('is killed when the driver hangs, and leaves nothing behind', async () => {
    await fake.control({ hang: 1 });
    const message = await nvidiaProbe(fake.directory, 500).probe(bare).then(String, describeError);
    expect(message).toMatch(/does not answer within 0.5 s .*was killed.*reboot/);
    await waitUntil('no process to be left', () => descendants(process.pid).length === 0);
    await fake.control({});
    expect((await nvidiaProbe(fake.directory).probe(bare)).state).toBe('present');
  });

  test('fails where the directory of the settings has no library', async () => {
    const message = await nvidiaProbe('/nonexistent').probe(bare).then(String, describeError);
    expect(message).toMatch(/^libnvidia-ml.so.1 is not there. .*gpu_library_dir/);
  });
});

test('a process that cannot be killed is named, and none is started beside it', async () => {
  const hanging = Bun.spawn(['sleep', '60']);
  let looks = 0;
  const host: HostReader = {
    ...bare,
    run: () => {
      looks++;
      return Promise.reject(new Fault('timeout', 'Cannot end it', { details: { pid: hanging.pid } }));
    },
  };
  const probe = nvidiaProbe('/fake');
  for (let look = 0; look < 3; look++) {
    const message = await probe.probe(host).then(String, describeError);
    expect(message).toContain(`process ${hanging.pid}, which asked it, hangs in the kernel`);
  }
  expect(looks).toBe(1);
  hanging.kill('SIGKILL');
  await hanging.exited;
  expect(processIdentity(hanging.pid)).toBeUndefined();
  await probe.probe(host).catch(() => undefined);
  expect(looks).toBe(2);
});

test('docs/agents.md has an answer in the words of the probe', () => {
  const read = (path: string): string => readFileSync(join(import.meta.dir, path), 'utf8');
  const [, section = ''] = read('../../docs/agents.md').split('\n## GPUs\n');
  const [, table = ''] = section.split('| --- | --- |\n');
  const said = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| ([^|]+) \|/gm)].map(
    ([, words = '']) => words,
  );
  expect(said.length).toBeGreaterThan(5);
  const source = read('nvidia.ts') + read('gpu/judgement.ts').replaceAll('${name}', 'libnvidia-ml.so.1');
  for (const words of said) expect(source).toContain(words.replace(/ \(E[A-Z]+\)$/, ''));
});

const PCI = '/sys/bus/pci/devices';
const CARD = { [`${PCI}/0000:01:00.0/vendor`]: '0x10de\n', [`${PCI}/0000:01:00.0/class`]: '0x030000\n' };
const LXC = { '/run/systemd/container': 'lxc\n', '/proc/self/cgroup': '0::/\n' };
const DOCKER = { '/proc/self/cgroup': `0::/docker/${'0123456789ab'.repeat(5)}\n` };
const NODES = { '/dev': ['nvidia-uvm', 'nvidia0', 'nvidiactl'] };

describe('without asking the driver', () => {
  test.each([
    ['no hardware', withFiles({}), 'no NVIDIA hardware', /vendor 0x10de/],
    [
      'only sound and a bridge of the vendor',
      withFiles(
        { [`${PCI}/0000:00:05.0/vendor`]: '0x10de\n', [`${PCI}/0000:00:05.0/class`]: '0x040300\n' },
        { [PCI]: ['0000:00:05.0'] },
      ),
      'no NVIDIA hardware',
      /vendor/,
    ],
    [
      'a card that another driver has',
      withFiles(
        { ...CARD, [`link ${PCI}/0000:01:00.0/driver`]: '../../../../bus/pci/drivers/nouveau' },
        { [PCI]: ['0000:01:00.0'] },
      ),
      'the NVIDIA device 0000:01:00.0 (nouveau) has no NVIDIA driver',
      /install/,
    ],
    [
      'a card of a virtual machine',
      withFiles({ ...CARD, [`link ${PCI}/0000:01:00.0/driver`]: '../vfio-pci' }, { [PCI]: ['0000:01:00.0'] }),
      'the NVIDIA device 0000:01:00.0 (vfio-pci) is kept for a virtual machine',
      /run an agent in that virtual machine/,
    ],
    [
      'a container without the nodes of its host',
      withFiles({ ...LXC, '/proc/driver/nvidia/version': NVRM }, { '/dev': ['null'] }),
      "the host runs NVIDIA's driver 550.54.15 and gives this container no device",
      /pct set <id> -dev0 \/dev\/nvidia0.*c 195:\*.*pct reboot <id>/,
    ],
    [
      'WSL without NVIDIA’s libraries',
      withFiles({}, { '/dev': ['dxg'], '/usr/lib/wsl/lib': ['libd3d12.so'] }),
      'Windows offers this WSL no NVIDIA device: no NVIDIA library in /usr/lib/wsl/lib',
      /wsl --shutdown/,
    ],
    ['macOS', { ...withFiles({}), platform: 'darwin' }, 'NVIDIA has no driver for darwin', undefined],
  ])('it is absent: %s', async (_, host, reason, hint) => {
    const finding = await nvidiaProbe(undefined).probe(host);
    expect(finding).toMatchObject({ state: 'absent', reason });
    if (hint !== undefined) expect(finding.derivation.join('\n')).toMatch(hint);
  });

  test.each([
    ['EPERM', LXC, /lost its device rights.*daemon-reload.*Now: pct reboot <id>. For good: pct set/],
    ['EPERM', DOCKER, /Now: restart this container. For good: run nvidia-ctk system create-dev-char/],
    ['EPERM', {}, /DeviceAllow=char-nvidia/],
    ['EACCES', {}, /group of the file/],
    ['ENXIO', {}, /modprobe nvidia, or reboot/],
  ])('it fails: the nodes answer %s', async (code, files, message) => {
    const host = withFiles({ ...files, 'open /dev/nvidiactl': code, 'open /dev/nvidia-uvm': code }, NODES);
    expect(await nvidiaProbe(undefined).probe(host).then(String, describeError)).toMatch(message);
  });

  test('this machine, if it has no NVIDIA device, says so in less than 5 ms', async () => {
    const probe = nvidiaProbe(undefined);
    const first = await probe.probe(systemHost).catch(describeError);
    if (typeof first === 'string' || first.state === 'present') {
      console.log('skipped: this machine has an NVIDIA device');
      return;
    }
    const times: number[] = [];
    for (let round = 0; round < 20; round++) {
      const startMs = performance.now();
      await probe.probe(systemHost);
      times.push(performance.now() - startMs);
    }
    const medianMs = present(times.toSorted((left, right) => left - right)[10], 'a median');
    console.log(`no NVIDIA device: ${first.reason}, in ${medianMs.toFixed(2)} ms`);
    expect(medianMs).toBeLessThan(5);
  });
});
