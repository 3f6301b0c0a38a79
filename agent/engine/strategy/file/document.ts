import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { ParsedNode, Scalar } from 'yaml';
import { nearest } from '#agent/kit/nearest';
import { createProblems } from './problems';
import type { Problems } from './problems';

export type Node = ParsedNode;

/** A YAML file whose every value knows where it stands. */
export interface Document {
  readonly text: string;
  readonly problems: Problems;
  /** Null: the file is empty or not valid YAML, which has been reported. */
  readonly root: Node | null;
}

/** One `key: value` of a mapping. */
export interface Field {
  readonly key: string;
  /** Offset of the key. */
  readonly offset: number;
  /** Null: nothing stands after the colon. */
  readonly value: Node | null;
}

export const FILE_BYTES_MAX = 256 * 1024;
/** The reader of YAML recurses: what nests deeper than any strategy does is not shown to it. */
const BRACKETS_MAX = 100;
const INDENTATION_MAX = 200;

export function readDocument(text: string, fileName: string): Document {
  const lines = new LineCounter();
  const problems = createProblems(fileName, lines);
  const document = { text, problems, root: null };
  const tooMuch = beyondLimits(text);
  if (tooMuch !== undefined) {
    lines.addNewLine(0);
    problems.report(0, tooMuch);
    return document;
  }
  // The library looks for repeated keys by comparing all pairs of them, which takes seconds; readFields does.
  const options = { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: false } as const;
  const parsed = parseDocument(text, options);
  for (const { pos, message } of [...parsed.errors, ...parsed.warnings]) {
    const [sentence = message] = message.split('\n');
    problems.report(pos[0], `it is not valid YAML: ${lowerFirst(sentence)}`);
  }
  if (problems.count > 0) return document;
  if (parsed.contents === null) problems.report(0, 'the file is empty');
  return { text, problems, root: parsed.contents };
}

/** The fields of a mapping by key. Reports what is no mapping, keys that are no words and aliases. */
export function readFields(document: Document, node: Node | null, what: string): Map<string, Field> {
  const fields = new Map<string, Field>();
  if (!isMap(node)) {
    const got = node === null ? 'nothing' : describeNode(node);
    const hint = 'write one "key: value" a line; docs/strategies.md shows whole files';
    document.problems.report(
      node?.range[0] ?? 0,
      `${what} must be a mapping of keys to values, got ${got}`,
      hint,
    );
    return fields;
  }
  for (const { key, value } of node.items) {
    if (!isScalar(key)) {
      document.problems.report(key.range[0], `a key of ${what} must be a word`);
    } else {
      const name = scalarText(key);
      if (fields.has(name)) {
        document.problems.report(key.range[0], `${what} has the key '${name.slice(0, 100)}' twice`);
      }
      fields.set(name, { key: name, offset: key.range[0], value: withoutAlias(document, value) });
    }
  }
  return fields;
}

/** Likewise, where the keys are known: any other is reported with the nearest one. */
export function readKnownFields(
  document: Document,
  field: { value: Node | null; what: string },
  known: readonly string[],
): Map<string, Field> {
  const fields = readFields(document, field.value, field.what);
  for (const { key, offset } of fields.values()) {
    if (!known.includes(key)) reportUnknownKey(document, { key, offset, what: field.what }, known);
  }
  return fields;
}

export function reportUnknownKey(
  { problems }: Document,
  { key, offset, what }: { key: string; offset: number; what: string },
  known: readonly string[],
): void {
  const suggestion = nearest(key, known);
  const all = `its keys: ${known.join(', ')}`;
  const hint = suggestion === undefined ? all : `did you mean '${suggestion}'? ${all}`;
  problems.report(offset, `${what} has no key '${key.slice(0, 100)}'`, hint);
}

/** The items of a list; reports anything else. */
export function readItems(document: Document, field: Field): Array<Node | null> {
  if (isSeq(field.value)) return field.value.items.map((item) => withoutAlias(document, item as Node | null));
  document.problems.report(field.value?.range[0] ?? field.offset, `${field.key} must be a list`);
  return [];
}

/** The value of a field that must be a number, a word or a truth; reports anything else. */
export function readScalar(document: Document, field: Field): number | string | boolean | undefined {
  const { value } = field;
  const plain = isScalar(value) ? value.value : undefined;
  if (typeof plain === 'number' || typeof plain === 'string' || typeof plain === 'boolean') return plain;
  const got = value === null || plain === null ? 'nothing' : describeNode(value);
  document.problems.report(value?.range[0] ?? field.offset, `${field.key} needs a value, got ${got}`);
  return undefined;
}

export function readText(document: Document, field: Field, lengthMax: number): string | undefined {
  const { value } = field;
  const text = isScalar(value) && value.value !== null ? scalarText(value) : undefined;
  const at = value?.range[0] ?? field.offset;
  if (text === undefined) document.problems.report(at, `${field.key} must be a text`);
  else if (text.length > lengthMax) {
    document.problems.report(at, `${field.key} has ${text.length} characters, the limit is ${lengthMax}`);
  } else return text;
  return undefined;
}

/** A finite number; reports anything else. */
export function readNumber(document: Document, field: Field): number | undefined {
  const value = readScalar(document, field);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  document.problems.report(
    field.value?.range[0] ?? field.offset,
    `${field.key} must be a number, got ${JSON.stringify(value)}`,
  );
  return undefined;
}

/** What a scalar says as written: `3.0` and not 3. */
export function scalarText(scalar: Scalar): string {
  return scalar.source ?? String(scalar.value);
}

/**
 * Where in the file each character of a scalar stands. Quotes, folded lines and indentation only add
 * blanks between its characters; where escapes make that untrue everything stands at the beginning.
 */
export function scalarOffsets(document: Document, scalar: Scalar.Parsed): (index: number) => number {
  const text = scalarText(scalar);
  const [from, to] = scalar.range;
  const header = /^[|>][^\n]*\n/.exec(document.text.slice(from, to));
  const offsets: number[] = [];
  let at = from + (header?.[0].length ?? 0);
  if (/^["']/.test(document.text.slice(from, from + 1))) at++;
  for (const character of text) {
    if (/\S/.test(character)) {
      while (at < to && /\s/.test(document.text[at] ?? '')) at++;
      if (!document.text.startsWith(character, at)) return () => from;
    }
    for (let unit = 0; unit < character.length; unit++) offsets.push(at + unit);
    at += character.length;
  }
  return (index) => offsets[index] ?? Math.max(from, at);
}

export function describeNode(node: Node): string {
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (isScalar(node))
    return node.value === null ? 'nothing' : `'${scalarText(node).slice(0, 60).replaceAll(/\s+/g, ' ')}'`;
  return 'an alias';
}

/** Aliases make a small file large, and no strategy needs them. Throws, for what follows would miss the value. */
function withoutAlias(document: Document, node: Node | null): Node | null {
  if (!isAlias(node)) return node;
  document.problems.report(node.range[0], `the alias *${node.source} is not read`, 'write the value out');
  document.problems.throwIfAny();
  return null;
}

function beyondLimits(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > FILE_BYTES_MAX) return `the file has ${bytes} bytes, the limit is ${FILE_BYTES_MAX}`;
  let open = 0;
  for (const bracket of text.matchAll(/[[\]{}]/g)) {
    open = '[{'.includes(bracket[0]) ? open + 1 : Math.max(0, open - 1);
    if (open > BRACKETS_MAX) return `brackets are nested more than ${BRACKETS_MAX} deep`;
  }
  const deep = /^[ \t]*(?:[-?] *){50}/m.test(text) || new RegExp(`^ {${INDENTATION_MAX}}`, 'm').test(text);
  return deep ? `lines are indented more than ${INDENTATION_MAX} deep` : undefined;
}

function lowerFirst(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
