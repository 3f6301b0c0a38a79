/** What `version` prints and every heartbeat and result carries: which program this is. */
export interface BuildInfo {
  /** Version of package.json, or `dev` when run from source. */
  readonly version: string;
  /** Abbreviated commit, `+dirty` with local changes; `unknown` when built outside git, `dev` from source. */
  readonly commit: string;
  /** Operating system and processor, e.g. `linux-x64`. */
  readonly target: string;
}

// `typeof` because the constants do not exist at all when the program runs from source.
export const buildInfo: BuildInfo = {
  version: typeof VERSION === 'undefined' ? 'dev' : VERSION,
  commit: typeof COMMIT === 'undefined' ? 'dev' : COMMIT,
  target: typeof TARGET === 'undefined' ? `${process.platform}-${process.arch}` : TARGET,
};
