import { Fault } from '#agent/kit/error';
import { age } from './ages';
import { createOutput } from './output';
import { openScreen, type Screen } from './screen';
import type { Session } from './session';
import { readDown, readStatus, showStatus, type StatusReading } from './status-view';

/** A second is how finely an age is told. */
const REDRAW_MS = 1_000;

/** Looks again and again, until the signal aborts or somebody leaves; returns the last reading. */
export async function watchStatus(session: Session, everyMs: number): Promise<StatusReading | undefined> {
  const { output, shell } = session;
  const isScreen = shell.stdout.isTty && shell.environment.TERM !== 'dumb' && !output.json;
  if (!isScreen) return await printDocuments(session, everyMs);
  using screen = openScreen(shell);
  return await drawReadings(session, screen, everyMs);
}

/** For pipes and logs: with --json a document a line, else one below the other. */
async function printDocuments(session: Session, everyMs: number): Promise<StatusReading | undefined> {
  const { output, shell } = session;
  let last: StatusReading | undefined;
  while (!shell.signal.aborted) {
    last = await readAgain(session, last);
    if (output.json) shell.stdout.write(`${JSON.stringify(last.document)}\n`);
    else output.line(`${textOf(session, last)}\n`);
    await shell.clock.sleep(everyMs, shell.signal);
  }
  return last;
}

/** What is known while it is watched. */
interface Watched {
  reading: StatusReading | undefined;
  readMs: number;
  /** The last reading of a control plane that answered. */
  answered: { reading: StatusReading; atMs: number } | undefined;
  failed: { error: unknown } | undefined;
}

async function drawReadings(
  session: Session,
  screen: Screen,
  everyMs: number,
): Promise<StatusReading | undefined> {
  const { clock, signal } = session.shell;
  const watched: Watched = {
    reading: undefined,
    readMs: clock.nowMs(),
    answered: undefined,
    failed: undefined,
  };
  let isReading = false;
  let dueBootMs = clock.bootMs();
  const look = async (): Promise<void> => {
    isReading = true;
    try {
      const reading = await readAgain(session, watched.reading);
      watched.reading = reading;
      watched.readMs = clock.nowMs();
      if ('active' in reading) watched.answered = { reading, atMs: watched.readMs };
    } catch (error) {
      watched.failed = { error };
    }
    isReading = false;
    dueBootMs = clock.bootMs() + everyMs;
    screen.wake();
  };
  while (!signal.aborted && !screen.isLeft && watched.failed === undefined) {
    if (!isReading && clock.bootMs() >= dueBootMs) void look();
    screen.draw(linesOf(session, watched, { columns: screen.columns, everyMs }));
    await screen.pause(isReading ? REDRAW_MS : Math.min(REDRAW_MS, Math.max(0, dueBootMs - clock.bootMs())));
  }
  if (watched.failed !== undefined && !signal.aborted) throw watched.failed.error;
  return watched.reading;
}

/** The first reading may fail as that of `status` does; later a refusal is only another state to show. */
async function readAgain(session: Session, last: StatusReading | undefined): Promise<StatusReading> {
  try {
    return await readStatus(session);
  } catch (error) {
    if (last === undefined || !(error instanceof Fault)) throw error;
    return { document: await readDown(session, error) };
  }
}

interface Frame {
  columns: number;
  everyMs: number;
}

function linesOf(session: Session, watched: Watched, { columns, everyMs }: Frame): string[] {
  const { output, shell } = session;
  const nowMs = shell.clock.nowMs();
  const { reading, readMs, answered } = watched;
  const told = reading === undefined ? 'reading' : `read ${age(readMs, nowMs)}`;
  const lines = [output.style.dim(`${told}, every ${everyMs / 1000} s; q quits`)];
  if (reading === undefined) return lines;
  lines.push(...textOf(session, reading, columns).split('\n'));
  if ('active' in reading || answered === undefined) return lines;
  const before = textOf(session, answered.reading, columns).split('\n');
  return [...lines, '', output.style.bold(`As it was ${age(answered.atMs, nowMs)}`), ...before];
}

/** As `status` prints it, without the last line feed. */
function textOf({ shell }: Session, reading: StatusReading, columns = shell.stdout.columns): string {
  let text = '';
  const stdout = { isTty: shell.stdout.isTty, columns, write: (part: string) => void (text += part) };
  const { stderr, environment, clock } = shell;
  showStatus(createOutput({ stdout, stderr, environment, clock }, false), reading, clock.nowMs());
  return text.trimEnd();
}
