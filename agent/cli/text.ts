/**
 * Text of foreign origin made harmless: control characters would command the terminal, direction
 * marks would reorder the line. Line ends and tabs become spaces.
 */
export function printable(text: string): string {
  return Bun.stripANSI(text).replaceAll(UNPRINTABLE, (character) =>
    /\s/.test(character) ? ' ' : '\u{fffd}',
  );
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Width in terminal cells; escape sequences have none. */
export function widthOf(text: string): number {
  return Bun.stringWidth(text);
}

/** Cut to `width` cells with an ellipsis where something is missing: at the end, or in the middle of an id. */
export function truncate(text: string, width: number, where: 'end' | 'middle' = 'end'): string {
  if (widthOf(text) <= width) return text;
  if (width <= 1) return width === 1 ? '…' : '';
  const characters = charactersOf(text);
  const tailWidth = where === 'end' ? 0 : Math.floor((width - 1) / 2);
  const tail = take(characters.toReversed(), tailWidth).toReversed();
  return [...take(characters, width - 1 - tailWidth), '…', ...tail].join('');
}

export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + spaces : spaces + text;
}

/** Words in lines of at most `width` cells; a word that is longer is broken. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((word) => broken(word, width))) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/**
 * A line that goes on below itself when it is too long, behind its prefix: what it begins with when that is
 * blank or the dash of a list. Colours stay; a word that is longer than the line, such as a path, is not broken.
 */
export function fold(
  text: string,
  width: number | undefined,
  prefix = /^ *(- )?/.exec(text)?.[0] ?? '',
): string[] {
  const body = text.startsWith(prefix) ? text.slice(prefix.length) : text;
  const hanging = widthOf(prefix);
  if (width === undefined || hanging + widthOf(body) <= width) return [prefix + body];
  const lines = Bun.wrapAnsi(body, Math.max(20, width - hanging), {
    hard: false,
    wordWrap: true,
    trim: true,
  });
  return lines.split('\n').map((line, index) => (index === 0 ? prefix : ' '.repeat(hanging)) + line);
}

function broken(word: string, width: number): string[] {
  const parts: string[] = [];
  for (let rest = charactersOf(word); ;) {
    const part = take(rest, Math.max(2, width));
    parts.push(part.join(''));
    rest = rest.slice(part.length);
    if (rest.length === 0) return parts;
  }
}

/** What people see as one character each, such as a letter with its accents. */
function charactersOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

function take(characters: readonly string[], width: number): string[] {
  let used = 0;
  const end = characters.findIndex((character) => (used += widthOf(character)) > width);
  return characters.slice(0, end < 0 ? characters.length : end);
}
