import { describe, expect, test } from 'bun:test';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { softwareCommandsSchema } from '#agent/contract/software-commands';
import { tempDir } from '#test/support/temp-dir';
import { systemHost, type HostReader } from './host';
import { emptyHost } from './recording/recorded-host';
import { COMMAND_TIMEOUT_MS, softwareProbe, type SoftwareTargets } from './software';

const hasPython = (await systemHost.run(['python3', '--version'], { timeoutMs: 10_000 }))?.code === 0;

describe('libraries', () => {
  test('ONNX Runtime offers the providers whose libraries lie beside it', async () => {
    await using folder = await filesIn({
      'libonnxruntime.so.1.30.0': '',
      'libonnxruntime_providers_cuda.so': '',
      'libonnxruntime_providers_shared.so': '',
    });
    symlinkSync('libonnxruntime.so.1.30.0', join(folder.path, 'libonnxruntime.so.1'));
    const { items, derivation } = await look({ onnxruntimeDirectory: folder.path });
    expect(items).toContainEqual({
      name: 'onnxruntime',
      version: '1.30.0',
      path: join(folder.path, 'libonnxruntime.so.1.30.0'),
      features: ['cpu', 'cuda'],
    });
    expect(derivation).toContain(`onnxruntime 1.30.0 with cpu, cuda (${folder.path})`);
  });

  test('a provider without the shared library is not offered, and said', async () => {
    await using folder = await filesIn({ 'libonnxruntime.so': '', 'libonnxruntime_providers_cuda.so': '' });
    const { items, derivation } = await look({ onnxruntimeDirectory: folder.path });
    expect(items).toMatchObject([{ name: 'onnxruntime', version: 'unknown', features: ['cpu'] }]);
    expect(derivation.join('\n')).toContain('need libonnxruntime_providers_shared.so');
  });

  test('tfjs-node counts with its binding and libtensorflow only, also from a folder above', async () => {
    const packageFolder = 'node_modules/@tensorflow/tfjs-node';
    const manifest = { [`${packageFolder}/package.json`]: '{"version":"4.22.0"}', 'lib/empty': '' };
    await using bare = await filesIn(manifest);
    const without = await look({ libraryDirectory: join(bare.path, 'lib') });
    expect(without.items).toEqual([]);
    expect(without.derivation.join('\n')).toContain('4.22.0 has no native binding');
    await using whole = await filesIn({
      ...manifest,
      [`${packageFolder}/lib/napi-v8/tfjs_binding.node`]: '',
      [`${packageFolder}/deps/lib/libtensorflow.so.2`]: '',
    });
    const { items } = await look({ libraryDirectory: join(whole.path, 'lib') });
    const path = join(whole.path, packageFolder);
    expect(items).toEqual([{ name: 'tfjs-node', version: '4.22.0', path, features: ['cpu'] }]);
  });

  test('a damaged package spoils only what is said of it', async () => {
    await using folder = await filesIn({
      'node_modules/@tensorflow/tfjs-node/package.json': '{"version":',
      'libonnxruntime.so.1.30.0': '',
    });
    const { items, derivation } = await look({
      libraryDirectory: folder.path,
      onnxruntimeDirectory: folder.path,
    });
    expect(items).toMatchObject([{ name: 'onnxruntime', version: '1.30.0' }]);
    expect(derivation.join('\n')).toContain('no tfjs-node: ');
  });

  test('nothing set and nothing there is absence, with reasons', async () => {
    const finding = await softwareProbe({}).probe(emptyHost);
    expect(finding).toEqual({
      state: 'absent',
      reason: 'none of it is installed',
      derivation: [
        'no onnxruntime: onnxruntime_dir is not set',
        'no tfjs-node: library_dir is not set',
        'no python: there is no python3',
      ],
    });
  });
});

describe('commands', () => {
  test.skipIf(!hasPython)('python3 of this machine says its version and where it is', async () => {
    const finding = await softwareProbe({}).probe(systemHost);
    const items = finding.state === 'present' ? finding.value.items : [];
    expect(items).toMatchObject([{ name: 'python', path: expect.stringMatching(/^\/.*python/) }]);
    expect(items[0]?.version).toMatch(/^3\.\d+\.\d+/);
  });

  test('the first line is the version, from stderr where stdout is empty', async () => {
    const softwareCommands = {
      talib: ['sh', '-c', 'echo TA-Lib 0.6.4; echo more'],
      java: ['/bin/sh', '-c', 'printf "\\033[1mopenjdk 21\\n" >&2'],
    };
    const { items } = await look({ softwareCommands }, runsOnlyShell);
    expect(items).toEqual([
      { name: 'java', version: 'openjdk 21', path: '/bin/sh', features: [] },
      { name: 'talib', version: 'TA-Lib 0.6.4', path: null, features: [] },
    ]);
  });

  test('one that fails, prints nothing, is missing or hangs spoils no other', async () => {
    const softwareCommands = {
      fails: ['sh', '-c', 'echo no licence >&2; exit 3'],
      hangs: ['sh', '-c', 'sleep 60'],
      missing: ['ktrdr-no-such-program', '--version'],
      mute: ['sh', '-c', 'true'],
      works: ['sh', '-c', 'echo 1.0'],
    };
    const startMs = performance.now();
    const { items, derivation } = await look({ softwareCommands }, runsOnlyShell);
    expect(performance.now() - startMs).toBeLessThan(COMMAND_TIMEOUT_MS + 2_000);
    expect(items.map((item) => item.name)).toEqual(['works']);
    expect(derivation).toContain('no fails: sh ended with 3: no licence');
    expect(derivation).toContain('no hangs: sh did not end within 2 s');
    expect(derivation).toContain('no missing: there is no ktrdr-no-such-program');
    expect(derivation).toContain('no mute: sh printed nothing');
  });

  test('no shell sees them', async () => {
    const softwareCommands = { echo: ['echo', '$HOME', ';', 'false'] };
    const { items } = await look({ softwareCommands });
    expect(items.find((item) => item.name === 'echo')?.version).toBe('$HOME ; false');
  });

  test('a Mac without developer tools is not asked for python3', async () => {
    const asked: string[] = [];
    const finding = await softwareProbe({}).probe({
      ...emptyHost,
      platform: 'darwin',
      run: ([program = '']) => {
        asked.push(program);
        return Promise.resolve({ code: 2, stdout: '', stderr: 'unable to get active developer directory' });
      },
    });
    expect(asked).toEqual(['xcode-select']);
    expect(finding.derivation).toContain('no python: no developer tools are installed');
  });
});

describe('software_commands', () => {
  test('a line or a list of words', () => {
    expect(softwareCommandsSchema.parse({ a: 'ta-lib  --version', b: ['sh', '-c', 'a | b'] })).toEqual({
      a: ['ta-lib', '--version'],
      b: ['sh', '-c', 'a | b'],
    });
    expect(softwareCommandsSchema.parse(undefined)).toEqual({});
  });

  test.each([
    ['a: x', /mapping of names/],
    [{ a: 'x | y' }, /write a list of words/],
    [{ a: '  ' }, /a command has a name/],
    [{ a: [] }, /./],
    [{ python: 'python4 --version' }, /looks for this itself/],
    [{ 'a b': 'x' }, /a name is/],
    [Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`a${index}`, 'x'])), /at most 16/],
  ])('%j is refused', (value, why) => {
    expect(JSON.stringify(softwareCommandsSchema.safeParse(value).error?.issues)).toMatch(why);
  });
});

const runsOnlyShell = {
  ...emptyHost,
  run: (argv: readonly string[], options: { timeoutMs: number }) =>
    argv[0] === 'python3' ? Promise.resolve(null) : systemHost.run(argv, options),
};

const machineWithoutPython = { ...systemHost, run: runsOnlyShell.run };

async function look(targets: SoftwareTargets, host: HostReader = machineWithoutPython) {
  const finding = await softwareProbe(targets).probe(host);
  const items = finding.state === 'present' ? finding.value.items : [];
  return { items, derivation: finding.derivation };
}

async function filesIn(files: Record<string, string>) {
  const folder = await tempDir();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  return folder;
}
