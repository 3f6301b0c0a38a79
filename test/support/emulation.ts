import { existsSync, readlinkSync, writeFileSync } from 'node:fs';
import { chmod, open } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, type ExecResult } from '#agent/kit/exec';
import { tempDir } from './temp-dir';
import { waitUntil } from './wait-until';

/** A processor that this machine does not have, played by Debian's qemu-user. */
export interface Processor {
  /** Words before the program, such as `['qemu-x86_64', '-cpu', 'Westmere']`. */
  command: string[];
  /** Only these programs, told by their ELF headers; undefined: every program of arm64. */
  programs?: string[];
}

/**
 * A place in which programs for another processor run, and so do the programs that they start: the
 * kernel hands them to qemu. Of the machine nothing changes: binfmt_misc belongs to a user namespace
 * of its own (since Linux 6.7), which ends with this.
 */
export interface Emulation extends AsyncDisposable {
  run(argv: string[], options: { env: Record<string, string>; timeoutMs: number }): Promise<ExecResult>;
}

export async function emulate({ command, programs }: Processor): Promise<Emulation> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempDir('kt-emu-'));
  const interpreter = join(folder.path, 'interpreter');
  await Bun.write(interpreter, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`);
  await chmod(interpreter, 0o755);
  const holder = stack.adopt(await namespaceHolder(), (child) => child.kill('SIGKILL'));
  const enter = ['nsenter', `--target=${holder.pid}`, '--user', '--mount', '--'];
  const formats = programs === undefined ? [ARM64] : await Promise.all(programs.map(formatOf));
  const rules = formats.map((format, index) => `:ktrdr${index}:M::${format}:${interpreter}:`);
  const script =
    'mount -t binfmt_misc none "$0" && for rule; do printf %s "$rule" >"$0/register" || exit; done';
  const mounted = join(folder.path, 'formats');
  await Bun.$`mkdir ${mounted}`.quiet();
  const { code, stderr } = await exec([...enter, 'sh', '-c', script, mounted, ...rules], {
    timeoutMs: 10_000,
  });
  if (code !== 0)
    throw new Error(`this kernel has no binfmt_misc of a user namespace (Linux 6.7): ${stderr.trim()}`);
  const owned = stack.move();
  return {
    run: (argv, options) => exec([...enter, ...argv], { ...options, cwd: '/' }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Why a processor cannot be played here; undefined when it can. */
export async function emulationMissing(processor: Processor, files: string[]): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it takes root on Linux';
  const [program = ''] = processor.command;
  if (Bun.which(program) === null) return `${program} is not installed (Debian: qemu-user)`;
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) return `there is no ${missing}`;
  try {
    await using _emulation = await emulate(processor);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** e_ident and e_machine of an arm64 program, and what of them counts (elf(5)). */
const ARM64 = [
  String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`,
  String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`,
].join(':');

const ELF_HEADER_BYTES = 64;

/** With the addresses in it the whole header is that of one program alone: qemu itself must not match. */
async function formatOf(path: string): Promise<string> {
  const file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(ELF_HEADER_BYTES), 0, ELF_HEADER_BYTES, 0);
  await file.close();
  return `${[...buffer].map((byte) => String.raw`\x${byte.toString(16).padStart(2, '0')}`).join('')}:`;
}

const HOLDER_S_MAX = 900;

/** A process in new namespaces, in which every user of this one exists: the control plane changes its own. */
async function namespaceHolder(): Promise<Bun.Subprocess> {
  const child = Bun.spawn(['unshare', '--user', '--mount', 'sleep', String(HOLDER_S_MAX)], {
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const namespace = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/user`);
  await waitUntil('a user namespace', () => namespace(child.pid) !== namespace('self'));
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${map}`, '0 0 65536\n');
  return child;
}
