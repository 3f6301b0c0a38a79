import { operationIdSchema } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { Session } from './session';

/** What help says of it. */
export const OPERATION_ARGUMENT =
  'id of an operation, or a part that only one has, such as its last 8 digits';

/** How far back a part of an id is looked for. */
const NEWEST = 1000;
const SHOWN_MAX = 5;

/**
 * The id of an operation that somebody typed: whole, or a part that only one of the newest has, such as the
 * eight digits at its end. Throws Fault when there is none, or more than one.
 */
export async function operationIdOf({ client, shell }: Session, text: string): Promise<string> {
  if (operationIdSchema.safeParse(text).success) return text;
  const query = { limit: NEWEST };
  const { data } = await client.call('listOperations', { query, signal: shell.signal });
  return idOfPart(
    data.map(({ operation_id }) => operation_id),
    text,
  );
}

/** Too short a part would hit by chance. */
const PART_LENGTH_MIN = 4;

export function idOfPart(ids: readonly string[], text: string): string {
  const part = text.toLowerCase();
  const found = part.length < PART_LENGTH_MIN ? [] : ids.filter((id) => id.includes(part));
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first;
  if (first === undefined) {
    const suggestion = nearest(part, ids);
    throw new Fault(
      'not_found',
      `Cannot find operation '${text.slice(0, 80)}': none of the newest has that id`,
      {
        hint: suggestion === undefined ? '`ktrdr-agent ops` lists them' : `did you mean ${suggestion}?`,
      },
    );
  }
  const more = found.length > SHOWN_MAX ? ', …' : '';
  throw new Fault('bad_request', `Cannot choose an operation: '${text}' is a part of ${found.length} ids`, {
    hint: `name one: ${found.slice(0, SHOWN_MAX).join(', ')}${more}`,
  });
}
