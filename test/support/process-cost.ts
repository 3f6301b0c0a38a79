import { readFileSync } from 'node:fs';
import { present } from '#agent/kit/assert';

/** USER_HZ of /proc (proc(5)). */
const TICKS_PER_S = 100;

/** User and system time that a process took so far, all threads, in seconds. */
export function processorSeconds(pid: number): number {
  // The name in front of the fields may hold blanks.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

export function memoryMb(pid: number, field: 'VmRSS' | 'RssAnon'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = new RegExp(String.raw`^${field}:\s+(\d+) kB$`, 'm').exec(status)?.[1];
  return Number(present(kilobytes, field)) / 1000;
}
