import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { SoftwareCapability, SoftwareItem } from '#agent/contract/host-capabilities';
import { describeError, errorCode } from '#agent/kit/error';
import type { HostReader } from './host';
import type { Finding, Probe } from './probe';

export interface SoftwareTargets {
  /** Holds libonnxruntime.so and its providers. */
  onnxruntimeDirectory?: string | undefined;
  /** From here a host's own packages are resolved as Node.js does, such as /opt/ktrdr/lib. */
  libraryDirectory?: string | undefined;
  /** Name → argv, at most 16 of them. */
  softwareCommands?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Of one command. */
export const COMMAND_TIMEOUT_MS = 2_000;
const COMMANDS_AT_ONCE = 4;

/** Programs and libraries beside this binary, found without loading any of them into the daemon. */
export function softwareProbe(targets: SoftwareTargets): Probe<'software'> {
  return {
    name: 'software',
    // What is installed changes by hand, and each look starts processes.
    periodMs: 600_000,
    // 16 commands and Python, four at once, all of them hanging, and a little.
    timeoutMs: Math.ceil(17 / COMMANDS_AT_ONCE) * COMMAND_TIMEOUT_MS + 500,
    isLate: true,
    probe: (host) => probeSoftware(host, targets),
  };
}

/** Found, or why not; both are said to people. */
interface Looked {
  item: SoftwareItem | null;
  line: string;
}

async function probeSoftware(
  host: HostReader,
  targets: SoftwareTargets,
): Promise<Finding<SoftwareCapability>> {
  const [onnxruntime, tfjsNode, commands] = await Promise.all([
    orWhyNot('onnxruntime', lookForOnnxruntime(host, targets.onnxruntimeDirectory)),
    orWhyNot('tfjs-node', lookForTfjsNode(host, targets.libraryDirectory)),
    runCommands(host, targets.softwareCommands ?? {}),
  ]);
  const looked = [onnxruntime, tfjsNode, ...commands];
  const derivation = looked.map(({ line }) => line);
  const items = looked.flatMap(({ item }) => (item === null ? [] : [item]));
  if (items.length === 0) return { state: 'absent', reason: 'none of it is installed', derivation };
  return { state: 'present', value: { items: items.toSorted(byName) }, derivation };
}

/** A directory that may not be read, or a damaged package, is an answer about that piece and spoils no other. */
async function orWhyNot(name: string, look: Promise<Looked>): Promise<Looked> {
  try {
    return await look;
  } catch (error) {
    return { item: null, line: `no ${name}: ${describeError(error)}` };
  }
}

const PROVIDER_LIBRARY = /^libonnxruntime_providers_([a-z]+)\.so$/;
const RUNTIME_LIBRARY = /^libonnxruntime\.so(?:\.(\d+(?:\.\d+)*))?$/;

/** The files are named after their version; providers other than the processor's are files of their own. */
async function lookForOnnxruntime(host: HostReader, directory: string | undefined): Promise<Looked> {
  const absent = (why: string): Looked => ({ item: null, line: `no onnxruntime: ${why}` });
  if (directory === undefined) return absent('onnxruntime_dir is not set');
  const names = await host.list(directory);
  if (names === null) return absent(`there is no directory ${directory} (onnxruntime_dir)`);
  const libraries = names.filter((name) => RUNTIME_LIBRARY.test(name));
  if (libraries.length === 0)
    return absent(`there is no libonnxruntime.so in ${directory} (onnxruntime_dir)`);
  const version = longest(libraries.map((name) => RUNTIME_LIBRARY.exec(name)?.[1] ?? '')) || 'unknown';
  const found = names.flatMap((name) => PROVIDER_LIBRARY.exec(name)?.[1] ?? []);
  // Every other provider is loaded through the shared one.
  const providers = found.includes('shared') ? found.filter((name) => name !== 'shared') : [];
  const features = ['cpu', ...providers].slice(0, FEATURES_MAX);
  const path = join(directory, longest(libraries));
  const lone = found.length > 0 && !found.includes('shared');
  const note = lone ? '; other providers need libonnxruntime_providers_shared.so' : '';
  return {
    item: { name: 'onnxruntime', version, path, features },
    line: `onnxruntime ${version} with ${features.join(', ')} (${directory}${note})`,
  };
}

const TFJS_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
const packageSchema = z.object({ version: z.string() });

/** Its JavaScript alone is of no use: without binding and libtensorflow, loading it throws. */
async function lookForTfjsNode(host: HostReader, directory: string | undefined): Promise<Looked> {
  const absent = (why: string): Looked => ({ item: null, line: `no tfjs-node: ${why}` });
  if (directory === undefined) return absent('library_dir is not set');
  for (const name of TFJS_PACKAGES) {
    const found = await resolvePackage(host, directory, name);
    if (found === null) continue;
    const { version, path } = found;
    if (!(await hasBinding(host, path))) return absent(`${path} ${version} has no native binding`);
    const features = [name.endsWith('-gpu') ? 'gpu' : 'cpu'];
    return {
      item: { name: 'tfjs-node', version: version.slice(0, VERSION_CHARS_MAX), path, features },
      line: `tfjs-node ${version} for ${features.join()} (${path})`,
    };
  }
  return absent(`not in node_modules of ${directory} or above (library_dir)`);
}

/** The package that `require` would load in a file of this directory. */
async function resolvePackage(
  host: HostReader,
  from: string,
  name: string,
): Promise<{ version: string; path: string } | null> {
  for (let directory = from; ; directory = dirname(directory)) {
    const path = join(directory, 'node_modules', name);
    const text = await host.readText(join(path, 'package.json'));
    if (text !== null) return { path, version: packageSchema.parse(JSON.parse(text)).version };
    if (directory === dirname(directory)) return null;
  }
}

async function hasBinding(host: HostReader, path: string): Promise<boolean> {
  const [interfaces, libraries] = await Promise.all([
    host.list(join(path, 'lib')),
    host.list(join(path, 'deps', 'lib')),
  ]);
  // napi-v8, or the version of Node.js' interface that it was built for.
  const versions = interfaces?.filter((name) => name.startsWith('napi-')) ?? [];
  const folders = await Promise.all(versions.map((version) => host.list(join(path, 'lib', version))));
  const hasAddon = folders.some((names) => names?.includes('tfjs_binding.node'));
  return hasAddon && (libraries?.some((name) => /^libtensorflow\.(so|dylib|\d)/.test(name)) ?? false);
}

async function runCommands(
  host: HostReader,
  commands: Readonly<Record<string, readonly string[]>>,
): Promise<Looked[]> {
  const waiting: Array<() => Promise<Looked>> = [
    () => lookForPython(host),
    ...Object.entries(commands).map(
      ([name, argv]) =>
        () =>
          lookByCommand(host, name, { argv, read: readFirstLine }),
    ),
  ];
  const looked: Looked[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) looked.push(await next());
  };
  await Promise.all(Array.from({ length: COMMANDS_AT_ONCE }, work));
  return looked.toSorted((a, b) => (a.line < b.line ? -1 : 1));
}

/** Without the user's site packages, whose start-up files may take long. */
const PYTHON = ['-I', '-S', '-c', 'import sys; print(sys.version.split()[0]); print(sys.executable)'];

async function lookForPython(host: HostReader): Promise<Looked> {
  const program = await pythonProgram(host);
  if (program === null) return { item: null, line: 'no python: no developer tools are installed' };
  return await lookByCommand(host, 'python', {
    argv: [program, ...PYTHON],
    read: (output) => {
      const [version = '', path = ''] = output.split('\n');
      return { version, path: path.startsWith('/') ? path.trim() : null };
    },
  });
}

/** On a Mac without developer tools, /usr/bin/python3 opens a window that offers to install them. */
async function pythonProgram(host: HostReader): Promise<string | null> {
  if (host.platform !== 'darwin') return 'python3';
  for (const directory of ['/opt/homebrew/bin', '/usr/local/bin'])
    if ((await host.list(directory))?.includes('python3')) return `${directory}/python3`;
  const tools = await host.run(['xcode-select', '-p'], { timeoutMs: COMMAND_TIMEOUT_MS });
  return tools?.code === 0 ? 'python3' : null;
}

interface Command {
  argv: readonly string[];
  read: (output: string) => { version: string; path: string | null };
}

/** One command that fails, or hangs, is an answer about that command and spoils no other. */
async function lookByCommand(host: HostReader, name: string, { argv, read }: Command): Promise<Looked> {
  const absent = (why: string): Looked => ({ item: null, line: `no ${name}: ${why}` });
  const program = argv[0] ?? '';
  try {
    const result = await host.run(argv, { timeoutMs: COMMAND_TIMEOUT_MS });
    if (result === null) return absent(`there is no ${program}`);
    // Some print their version to stderr.
    const output = printable(result.stdout) || printable(result.stderr);
    if (result.code !== 0) {
      const said = readFirstLine(output).version;
      return absent(`${program} ended with ${result.code}${said === '' ? '' : `: ${said}`}`);
    }
    const { version, path } = read(output);
    if (version === '') return absent(`${program} printed nothing`);
    const item = { name, version: version.slice(0, VERSION_CHARS_MAX), features: [] };
    const where = path ?? (program.startsWith('/') ? program : null);
    return { item: { ...item, path: where }, line: `${name} ${version} (${where ?? program})` };
  } catch (error) {
    const isSlow = errorCode(error) === 'timeout';
    return absent(
      isSlow ? `${program} did not end within ${COMMAND_TIMEOUT_MS / 1000} s` : describeError(error),
    );
  }
}

/** Bounds of the contract. */
const VERSION_CHARS_MAX = 120;
const FEATURES_MAX = 32;

function readFirstLine(output: string): { version: string; path: null } {
  return { version: output.split('\n', 1)[0]?.trim() ?? '', path: null };
}

/** Without what a terminal would act on. */
function printable(output: string): string {
  return Bun.stripANSI(output)
    .replaceAll(/[^\P{Cc}\n\t]/gu, '')
    .trim();
}

function longest(names: readonly string[]): string {
  return names.reduce((best, name) => (name.length > best.length ? name : best), '');
}

function byName(a: SoftwareItem, b: SoftwareItem): number {
  return a.name < b.name ? -1 : 1;
}
