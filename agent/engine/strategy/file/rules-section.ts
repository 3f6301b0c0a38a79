import type { BoundCondition, BoundNumber, Scope } from '#agent/engine/strategy/expression/bound';
import { readKnownFields, readText } from './document';
import type { Document, Field } from './document';
import { readCondition, readDistance } from './expressions';

/** The section `model` of type `rules`: when to enter, when to leave, how far the stops are. */
export interface Rules {
  readonly enterLong: BoundCondition | undefined;
  readonly exitLong: BoundCondition | undefined;
  readonly enterShort: BoundCondition | undefined;
  readonly exitShort: BoundCondition | undefined;
  /** In price units. */
  readonly stop: BoundNumber | undefined;
  readonly target: BoundNumber | undefined;
  readonly trailing: BoundNumber | undefined;
  readonly scale: BoundNumber | undefined;
  readonly reentry: Reentry;
}

const REENTRIES = ['while_signalled', 'fresh_signal'] as const;
type Reentry = (typeof REENTRIES)[number];

const MODEL_KEYS = ['type', 'entries', 'exits', 'stops', 'sizing', 'reentry'];
const SIDES = ['long', 'short'];
const STOPS = ['stop', 'target', 'trailing'];

export function readRules(document: Document, model: Field, scope: Scope): Rules {
  const fields = readKnownFields(document, { value: model.value, what: 'model' }, MODEL_KEYS);
  const part = (key: string, known: readonly string[]): Map<string, Field> => {
    const field = fields.get(key);
    return field === undefined
      ? new Map<string, Field>()
      : readKnownFields(document, { value: field.value, what: key }, known);
  };
  const entries = part('entries', SIDES);
  const exits = part('exits', SIDES);
  const stops = part('stops', STOPS);
  const condition = (field: Field | undefined) => field && readCondition(document, field, scope);
  const distance = (field: Field | undefined) => field && readDistance(document, field, scope);
  checkSides(document, model, { entries, exits, stops });
  return {
    enterLong: condition(entries.get('long')),
    exitLong: condition(exits.get('long')),
    enterShort: condition(entries.get('short')),
    exitShort: condition(exits.get('short')),
    stop: distance(stops.get('stop')),
    target: distance(stops.get('target')),
    trailing: distance(stops.get('trailing')),
    scale: distance(part('sizing', ['scale']).get('scale')),
    reentry: readReentry(document, fields.get('reentry')),
  };
}

interface Sides {
  entries: ReadonlyMap<string, Field>;
  exits: ReadonlyMap<string, Field>;
  stops: ReadonlyMap<string, Field>;
}

/** A side that is left and never entered, or entered and never left, is a slip of the pen. */
function checkSides({ problems }: Document, model: Field, { entries, exits, stops }: Sides): void {
  if (entries.size === 0) {
    problems.report(
      model.offset,
      'nothing is ever bought or sold: there are no entries',
      'add entries: {long: …}',
    );
    return;
  }
  for (const side of SIDES) {
    const entry = entries.get(side);
    const exit = exits.get(side);
    if (entry === undefined && exit !== undefined) {
      problems.report(
        exit.offset,
        `${side} positions are left but never entered`,
        `add entries: {${side}: …}`,
      );
    }
    const isLeft = exit !== undefined || stops.size > 0 || entries.size === 2;
    if (entry === undefined || isLeft) continue;
    problems.report(
      entry.offset,
      `${side} positions are entered but never left`,
      `add exits: {${side}: …} or stops: {stop: …}`,
    );
  }
}

function readReentry(document: Document, field: Field | undefined): Reentry {
  const text = field && readText(document, field, 100);
  const found = REENTRIES.find((reentry) => reentry === text);
  if (field !== undefined && text !== undefined && found === undefined) {
    const at = field.value?.range[0] ?? field.offset;
    document.problems.report(at, `reentry must be one of ${REENTRIES.join(', ')}, got '${text}'`);
  }
  return found ?? 'while_signalled';
}
