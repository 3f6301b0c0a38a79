/** Marks every process of a shim, however it detached itself: environments are inherited. */
export const SHIM_VARIABLE = 'KTRDR_SHIM';

/**
 * The whole environment of a job's processes: what programs need to run at all, and nothing that could
 * be a credential or a setting of ours. UTC, so that dates are the same on every host.
 */
export function jobEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  shimId: string,
): Record<string, string> {
  const kept = PASSED_ON.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), TZ: 'UTC', ORT_DISABLE_TELEMETRY: '1', [SHIM_VARIABLE]: shimId };
}

const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'BUN_TMPDIR'];
