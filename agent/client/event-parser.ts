/** One server-sent event (WHATWG HTML §9.2); `data` lines are joined by newlines. */
export interface ServerEvent {
  event: string;
  data: string;
  /** The last id that the stream named, also of earlier events. */
  id: string | null;
}

export interface EventParser {
  /** Events completed by this text, which may end anywhere. */
  push(text: string): ServerEvent[];
  /** The last `retry:` of the server, in milliseconds. */
  readonly retryMs: number | undefined;
}

/** Longest event that is kept: a server that sends more breaks the stream. */
const EVENT_CHARACTERS_MAX = 8 * 1024 * 1024;

export function createEventParser(): EventParser {
  let rest = '';
  let id: string | null = null;
  let retryMs: number | undefined;
  let event = '';
  let data: string[] = [];
  let characters = 0;

  const field = (name: string, value: string): void => {
    if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
    else if (name === 'id' && !value.includes('\0')) id = value;
    else if (name === 'retry' && /^\d{1,7}$/.test(value)) retryMs = Number(value);
  };
  const finish = (): ServerEvent[] => {
    const complete = data.length === 0 ? [] : [{ event: event || 'message', data: data.join('\n'), id }];
    event = '';
    data = [];
    characters = 0;
    return complete;
  };
  const line = (text: string): ServerEvent[] => {
    if (text === '') return finish();
    if (text.startsWith(':')) return [];
    characters += text.length;
    if (characters > EVENT_CHARACTERS_MAX) throw new RangeError('an event is too long');
    const colon = text.indexOf(':');
    if (colon < 0) field(text, '');
    else field(text.slice(0, colon), text.slice(colon + 1).replace(/^ /, ''));
    return [];
  };
  return {
    push(text) {
      rest += text;
      if (rest.length > EVENT_CHARACTERS_MAX) throw new RangeError('a line is too long');
      // A carriage return at the end may be half of a line end.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      return lines.flatMap(line);
    },
    get retryMs() {
      return retryMs;
    },
  };
}
