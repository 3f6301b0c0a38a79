/** Where Bun mounts the scripts of a compiled binary. */
const COMPILED_ROOT = '/$bunfs/';

/**
 * The command that starts this program again: the binary alone when it is compiled, the runtime with
 * the path of main.ts otherwise. Arguments are `process.execPath` and `process.argv[1]`.
 */
export function ownProgram(execPath: string, script: string | undefined): string[] {
  return script === undefined || script.startsWith(COMPILED_ROOT) ? [execPath] : [execPath, script];
}
