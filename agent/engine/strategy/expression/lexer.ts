import { ExpressionError } from './syntax';
import type { Span } from './syntax';

export type Token = Span & {
  readonly kind: 'number' | 'name' | 'symbol' | 'end';
  readonly text: string;
};

const BLANK = /[ \t\r\n]+/y;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const SYMBOL = /&&|\|\||<=|>=|==|!=|<>|\*\*|[-+*/()[\],.<>=!^%$]/y;

/** What other languages write, and what is written here. */
const REPLACEMENTS: ReadonlyMap<string, string> = new Map([
  ['&&', "write 'and'"],
  ['||', "write 'or'"],
  ['!', "write 'not'"],
  ['=', "write '==' to compare"],
  ['<>', "write '!='"],
  ['**', 'multiply the value by itself'],
  ['^', 'multiply the value by itself'],
  ['%', 'there is no remainder; a percentage is a factor such as 0.02'],
  ['$', "parameters have no '$' in expressions: write their name"],
]);

/** Splits an expression into tokens, the last of which is `end`. Throws ExpressionError. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const blank = take(BLANK);
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    const number = take(NUMBER);
    const name = number === undefined ? take(NAME) : undefined;
    const found = number ?? name ?? take(SYMBOL);
    if (found === undefined) throw unknownCharacter(text, at);
    const span = { start: at, end: at + found.length };
    const hint = REPLACEMENTS.get(found);
    if (hint !== undefined) throw new ExpressionError(span, `there is no operator '${found}'`, hint);
    const kind = number === undefined ? (name === undefined ? 'symbol' : 'name') : 'number';
    tokens.push({ kind, text: found, ...span });
    at = span.end;
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length });
  return tokens;
}

function unknownCharacter(text: string, at: number): ExpressionError {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  const quote = character === "'" || character === '"';
  return new ExpressionError(
    { start: at, end: at + character.length },
    `the character ${JSON.stringify(character)} has no meaning in an expression`,
    quote ? 'expressions know numbers and names, no words in quotes' : undefined,
  );
}
