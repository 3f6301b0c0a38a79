/** How long ago: "12 s ago", "3 min ago", "5 h ago", "4 d ago"; "in 12 s" for what is to come. */
export function age(thenMs: number, nowMs: number): string {
  const ms = nowMs - thenMs;
  if (!Number.isFinite(ms)) return 'unknown';
  const rounded = coarse(Math.abs(ms));
  if (rounded === undefined) return 'now';
  return ms > 0 ? `${rounded} ago` : `in ${rounded}`;
}

/** The same for a time as the API writes it; a dash for none. */
export function ageOf(instant: string | null | undefined, nowMs: number): string {
  return instant === null || instant === undefined ? '–' : age(Date.parse(instant), nowMs);
}

/** "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return 'unknown';
  if (ms < 10 * SECOND_MS) return `${(Math.max(0, ms) / SECOND_MS).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND_MS);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(seconds, [60, 'min'], [1, 's']);
  if (seconds < 86_400) return pair(seconds, [3600, 'h'], [60, 'min']);
  return pair(seconds, [86_400, 'd'], [3600, 'h']);
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** One unit, the largest that keeps the figure above one; two days are still told in hours. */
function coarse(ms: number): string | undefined {
  if (ms < SECOND_MS) return undefined;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

type Unit = readonly [seconds: number, name: string];

function pair(seconds: number, [large, largeName]: Unit, [small, smallName]: Unit): string {
  const rest = Math.floor((seconds % large) / small);
  const first = `${Math.floor(seconds / large)} ${largeName}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}
