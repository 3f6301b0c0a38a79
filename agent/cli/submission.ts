import type { Operation } from '#agent/contract/operation';
import { followToEnd } from './follow';
import { readOutcome, showOutcome } from './outcome';
import type { Session } from './session';

/** After a submission: the id and how to go on, or the progress and what came out. */
export async function finish(
  session: Session,
  operation: Operation,
  { detach, top }: { detach: boolean; top: number },
): Promise<void> {
  const { output, shell } = session;
  const id = operation.operation_id;
  if (!detach) {
    output.note(`${id}  (Ctrl-C leaves it running)`);
    const last = await followToEnd(session, id);
    return shell.setExitCode(showOutcome(session, await readOutcome(session, last, top)));
  }
  output.document({ operation });
  output.line(id);
  output.note(`Watch it: ktrdr-agent follow ${id}`);
}
