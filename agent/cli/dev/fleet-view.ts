import type { Output } from '#agent/cli/output';
import { isRunning, type Fleet } from './fleet-file';

export function showFleet(output: Output, fleet: Fleet): void {
  const rows = fleet.members.map((member) => ({ ...member, running: isRunning(member) }));
  output.document({ ...fleet, members: rows });
  output.table(rows, [
    { header: 'MEMBER', cell: ({ name }) => name },
    {
      header: 'STATE',
      cell: ({ running }) => (running ? 'running' : 'stopped'),
      paint: (text, { running }) => (running ? output.style.good(text) : output.style.bad(text)),
    },
    { header: 'ADDRESS', cell: ({ port }) => `http://127.0.0.1:${port}` },
    { header: 'PID', cell: ({ process }) => String(process?.pid ?? '–'), align: 'right', optional: true },
    { header: 'LOG', cell: ({ log_file }) => log_file, widthMin: 16, overflow: 'middle' },
  ]);
}

/** 0 all run, 1 some do, 2 none does. */
export function fleetExitCode(fleet: Fleet | undefined): number {
  const running = fleet?.members.filter(isRunning).length ?? 0;
  if (running === 0) return 2;
  return running === fleet?.members.length ? 0 : 1;
}
