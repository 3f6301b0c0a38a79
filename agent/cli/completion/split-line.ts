/**
 * The words of a command line up to the cursor, with quotes and backslashes taken off; the last one is empty
 * after a blank. What a shell would expand stays as it is: a value that is being typed has nothing of it.
 */
export function splitLine(line: string): string[] {
  const words = [''];
  let quote = '';
  for (let index = 0; index < line.length; index++) {
    const character = line[index] ?? '';
    const append = (text: string): void => void (words[words.length - 1] += text);
    if (quote !== '' && character === quote) quote = '';
    else if (quote === "'") append(character);
    else if (character === '\\') append(line[++index] ?? '');
    else if (quote !== '') append(character);
    else if (character === '"' || character === "'") quote = character;
    else if (!/\s/.test(character)) append(character);
    else if (words.at(-1) !== '') words.push('');
  }
  return words;
}
