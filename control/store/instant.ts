import { Fault } from '#agent/kit/error';

/**
 * Moments keep PostgreSQL's microseconds, which a JavaScript Date would lose: as ISO 8601 strings in UTC
 * for people and JSON (`2000-01-03T00:00:00.000001Z`), as a bigint of microseconds since 1970 for columns.
 */
export type Instant = string;

/** "2000-01-03 00:00:00.5+00" → "2000-01-03T00:00:00.5Z"; the connection's TimeZone is UTC. */
export function instantOfPostgres(text: string): Instant {
  return text.replace(' ', 'T').replace(/\+00$/, 'Z');
}

export function instantOfMicros(micros: bigint): Instant {
  const seconds = micros / 1_000_000n - (micros % 1_000_000n < 0n ? 1n : 0n);
  const fraction = micros - seconds * 1_000_000n;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  return fraction === 0n ? `${whole}Z` : `${whole}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}Z`;
}

/** Fault(invalid) when the text is no ISO 8601 moment with an offset. */
export function microsOfInstant(instant: Instant): bigint {
  const match = /^(.+?)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(instant);
  const wholeMs = Date.parse(`${match?.[1] ?? ''}${match?.[3] ?? ''}`);
  if (match === null || Number.isNaN(wholeMs)) {
    throw new Fault(
      'invalid',
      `Cannot read the time ${instant.slice(0, 80)}: it is not ISO 8601 with an offset`,
      {
        hint: 'write it as 2024-01-31T00:00:00Z',
      },
    );
  }
  return BigInt(wholeMs) * 1000n + BigInt((match[2] ?? '').padEnd(6, '0'));
}
