/** Colours of a terminal, or nothing at all. Words carry the meaning: a colour only repeats it. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warning(text: string): string;
  bad(text: string): string;
}

export const plain: Style = { bold: same, dim: same, good: same, warning: same, bad: same };

export const coloured: Style = {
  bold: sequence(1, 22),
  dim: sequence(2, 22),
  good: sequence(32, 39),
  warning: sequence(33, 39),
  bad: sequence(31, 39),
};

export interface ColourInputs {
  isTty: boolean;
  environment: Readonly<Record<string, string | undefined>>;
}

/**
 * no-color.org: NO_COLOR of any value but empty wins. force-color.org and bixense.com/clicolors: forcing is
 * for pipes that end in a terminal, CLICOLOR=0 is an older way to say no.
 */
export function chooseStyle({ isTty, environment }: ColourInputs): Style {
  const { NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, CLICOLOR, TERM } = environment;
  if (NO_COLOR || FORCE_COLOR === '0') return plain;
  if (FORCE_COLOR || (CLICOLOR_FORCE && CLICOLOR_FORCE !== '0')) return coloured;
  return isTty && TERM !== 'dumb' && CLICOLOR !== '0' ? coloured : plain;
}

/** The colour of a word about a node, an operation, a fleet. */
export function paintState(style: Style, state: string): string {
  if (['ok', 'alive', 'ready', 'completed', 'available'].includes(state)) return style.good(state);
  if (['down', 'lost', 'cut-off', 'quarantined', 'failed', 'crashed', 'timed_out'].includes(state))
    return style.bad(state);
  if (['degraded', 'draining', 'cancelled', 'leaving', 'resuming', 'suspect'].includes(state))
    return style.warning(state);
  return state;
}

function same(text: string): string {
  return text;
}

function sequence(on: number, off: number): (text: string) => string {
  return (text) => (text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`);
}
