import { mkdir, readdir, writeFile } from 'node:fs/promises';
import type { NetworkInterfaceInfo } from 'node:os';
import { hostname, homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { Capabilities, Load } from '#agent/contract/capability';
import type { Clock } from '#agent/kit/clock';
import { errorCode, Fault } from '#agent/kit/error';
import type { ExecResult } from '#agent/kit/exec';
import type { Log } from '#agent/kit/log';
import { systemHost, type FilesystemSpace, type HostReader } from '#agent/probes/host';
import { readLoad } from '#agent/probes/load';
import { readRecorded, recordedHost, type Recorded } from './recorded-host';
import { Redactor, type Identity } from './redact';
import { allProbes, type ProbeTargets } from '#agent/probes/registry';
import { probeOnce } from '#agent/probes/run';

/** Where a recording has the directories of its agent, wherever they were on the machine. */
export const RECORDED_TARGETS: ProbeTargets = {
  stateDirectory: '/var/lib/ktrdr-agent',
  cacheDirectory: '/var/cache/ktrdr-agent',
};

/** What the probes say of a recorded machine, as its `expected.json` holds it. */
export type Replay = Capabilities & { load: Load };

export interface RecordOptions {
  targets: ProbeTargets;
  clock: Clock;
  log: Log;
  host?: HostReader;
}

/**
 * Runs all probes and writes everything they read into a new folder, from which `recordedHost` gives
 * the same answers again, with what identifies the machine replaced (`redact.ts`). Its `expected.json`
 * is what the probes say of the recording. Fault(conflict) when the folder exists and is not empty.
 */
export async function recordHost(directory: string, options: RecordOptions): Promise<Replay> {
  await makeEmptyDirectory(directory);
  const recorder = new Recorder(options.host ?? systemHost);
  const { stateDirectory, cacheDirectory } = options.targets;
  const libraries = librariesOf(options.targets);
  // The share, other servers and custom commands are not this machine, and their names the owner's business.
  const probes = allProbes({ stateDirectory, cacheDirectory, ...libraries });
  const looking = { ...options, timeoutMs: RECORD_TIMEOUT_MS };
  await probeOnce({ ...looking, probes, host: recorder.host });
  await readLoad(recorder.host);
  await recorder.write(directory, { identity: identityOf(options.targets), targets: libraries });
  const replayed = await replay(directory, looking);
  await writeJson(join(directory, 'expected.json'), replayed);
  return replayed;
}

/** What the probes say of a recording. */
export async function replay(directory: string, options: { clock: Clock; log: Log }): Promise<Replay> {
  const [host, { targets }] = await Promise.all([recordedHost(directory), readRecorded(directory)]);
  const probes = allProbes({ ...RECORDED_TARGETS, ...targets });
  const clock = { ...options.clock, nowMs: () => 0 };
  const facts = await probeOnce({ probes, host, clock, log: options.log, timeoutMs: RECORD_TIMEOUT_MS });
  return { ...facts, load: await readLoad(host) };
}

/** Nobody waits for a heartbeat here. */
const RECORD_TIMEOUT_MS = 10_000;
const ENTRIES_MAX = 10_000;
const TEXT_CHARS_MAX = 2 ** 20;

/** Notes each question of the probes and its first answer. */
class Recorder {
  readonly host: HostReader;
  readonly #texts = new Map<string, string>();
  readonly #spaces = new Map<string, FilesystemSpace>();
  readonly #lists = new Map<string, string[]>();
  readonly #links = new Map<string, string>();
  readonly #devices = new Map<string, string>();
  readonly #commands = new Map<string, ExecResult>();
  readonly #errors = new Map<string, string>();
  #interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = {};

  constructor(host: HostReader) {
    this.host = {
      platform: host.platform,
      arch: host.arch,
      readText: (path) => this.#note('readText', path, { into: this.#texts, asking: host.readText(path) }),
      statfs: (path) => this.#note('statfs', path, { into: this.#spaces, asking: host.statfs(path) }),
      list: (path) => this.#note('list', path, { into: this.#lists, asking: host.list(path) }),
      readLink: (path) => this.#note('readLink', path, { into: this.#links, asking: host.readLink(path) }),
      openDevice: async (path) => {
        const answer = await host.openDevice(path);
        this.#devices.set(path, answer);
        return answer;
      },
      interfaces: () => (this.#interfaces = host.interfaces()),
      run: (argv, options) => {
        const line = argv.join(' ');
        return this.#note('run', line, { into: this.#commands, asking: host.run(argv, options) });
      },
    };
  }

  async write(
    directory: string,
    { identity, targets }: { identity: Identity; targets: Recorded['targets'] },
  ): Promise<void> {
    const redactor = new Redactor(identity, this.#interfaces);
    const shorten = (path: string): string => redactor.text(path);
    // Sorted, so that stand-ins are numbered alike in every recording of one machine.
    for (const [path, text] of sorted(this.#texts)) {
      const file = join(directory, shorten(path));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, redactor.file(path, text));
    }
    const map = <V, W>(from: Map<string, V>, redact: (value: V) => W): Record<string, W> =>
      Object.fromEntries(sorted(from).map(([key, value]) => [shorten(key), redact(value)]));
    const recorded: Recorded = {
      platform: this.host.platform,
      arch: this.host.arch,
      lists: map(this.#lists, (names) => names.map(shorten)),
      links: map(this.#links, shorten),
      devices: map(this.#devices, (answer) => answer),
      interfaces: redactor.interfaces(this.#interfaces) as Recorded['interfaces'],
      commands: map(this.#commands, ({ code, stdout, stderr }) => ({
        code,
        stdout: redactor.text(stdout),
        stderr: redactor.text(stderr),
      })),
      errors: map(this.#errors, (code) => code),
      targets: Object.fromEntries(Object.entries(targets).map(([name, path]) => [name, shorten(path ?? '')])),
    };
    await writeJson(join(directory, 'host.json'), recorded);
    await writeJson(
      join(directory, 'statfs.json'),
      map(this.#spaces, (space) => space),
    );
  }

  async #note<T>(
    verb: string,
    of: string,
    noted: { into: Map<string, T>; asking: Promise<T | null> },
  ): Promise<T | null> {
    try {
      const answer = await noted.asking;
      const small = typeof answer !== 'string' || answer.length <= TEXT_CHARS_MAX;
      const room = noted.into.size < ENTRIES_MAX && small;
      if (answer !== null && room && !noted.into.has(of)) noted.into.set(of, answer);
      return answer;
    } catch (error) {
      if (this.#errors.size < ENTRIES_MAX) this.#errors.set(`${verb} ${of}`, errorCode(error) ?? 'UNKNOWN');
      throw error;
    }
  }
}

/** Those that are set. */
function librariesOf(targets: ProbeTargets): Recorded['targets'] {
  const { gpuLibraryDirectory, libraryDirectory, onnxruntimeDirectory } = targets;
  return {
    ...(gpuLibraryDirectory === undefined ? {} : { gpuLibraryDirectory }),
    ...(libraryDirectory === undefined ? {} : { libraryDirectory }),
    ...(onnxruntimeDirectory === undefined ? {} : { onnxruntimeDirectory }),
  };
}

function identityOf(targets: ProbeTargets): Identity {
  const servers = [targets.proxmoxHost, targets.ib?.host].filter((name) => name !== undefined);
  return {
    hostname: hostname(),
    userName: userInfo().username,
    homeDirectory: homedir(),
    servers: servers.filter((name) => !['localhost', '127.0.0.1', '::1'].includes(name)),
    directories: {
      [targets.stateDirectory]: RECORDED_TARGETS.stateDirectory,
      [targets.cacheDirectory]: RECORDED_TARGETS.cacheDirectory,
    },
  };
}

async function makeEmptyDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length === 0) return;
  throw new Fault('conflict', `Cannot record into ${directory}: it is not empty`, {
    hint: 'name a folder that does not exist yet',
  });
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

function sorted<V>(map: Map<string, V>): Array<[string, V]> {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
