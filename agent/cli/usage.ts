import type { CommanderError } from '@commander-js/extra-typings';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { METRIC_NAMES, type MetricName } from '#agent/engine/backtest/metric-table';
import { gridAxisSchema, type GridAxis } from '#agent/engine/search/specification';

/** What commander says about wrong usage, in our form of errors. */
export function usageFault(error: CommanderError, command: string, example?: string): Fault {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.*)\?\)/.exec(rest.join(' '))?.[1];
  const help = `\`ktrdr-agent${command === '' ? '' : ` ${command}`} --help\` explains it`;
  const isMissing = error.code === 'commander.missingArgument' && example !== undefined;
  const such = isMissing ? `such as \`${example}\`; ` : '';
  return new Fault('bad_request', `Cannot read the command line: ${first}`, {
    hint: suggestion === undefined ? `${such}${help}` : `did you mean ${suggestion}? ${help}`,
  });
}

/** A parser of a flag's whole number within bounds, both included. */
export function wholeNumber(flag: string, minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new Fault(
      'bad_request',
      `Cannot use '${text}' as ${flag}: it is not a whole number from ${minimum} to ${maximum}`,
      {
        hint: `such as ${flag} ${Math.min(maximum, Math.max(minimum, 10))}`,
      },
    );
  };
}

/** A parser of a flag's number; the control plane judges its range. */
export function decimal(flag: string): (text: string) => number {
  return (text) => {
    if (isNumber(text)) return Number(text);
    throw new Fault('bad_request', `Cannot use '${text}' as ${flag}: it is not a number`, {
      hint: `such as ${flag} 0.001`,
    });
  };
}

export type Scalar = string | number | boolean;

/** Collects `--param fast=10 --param average=ema` into one object. */
export function collectParameter(
  text: string,
  previous: Record<string, Scalar> = {},
): Record<string, Scalar> {
  const { name, value } = nameAndValue('--param', text, 'fast=10');
  checkNew('--param', name, previous);
  return { ...previous, [name]: scalar(value) };
}

/**
 * Collects axes of a grid: `fast=5:60:5` (from, to, step; the step is 1 when left out),
 * `average=sma,ema` (a list) or `slow=50` (one value).
 */
export function collectAxis(text: string, previous: Record<string, GridAxis> = {}): Record<string, GridAxis> {
  const { name, value } = nameAndValue('--grid', text, 'fast=5:60:5');
  checkNew('--grid', name, previous);
  return { ...previous, [name]: axis(name, value) };
}

function axis(name: string, text: string): GridAxis {
  if (text.includes(':')) return range(name, text);
  const values = text.split(',').map((part) => part.trim());
  if (values.includes('')) throw badAxis(name, text, 'a value of its list is empty');
  const given: GridAxis = values.length === 1 ? scalar(text) : { values: values.map(scalar) };
  const parsed = gridAxisSchema.safeParse(given);
  if (!parsed.success) throw badAxis(name, text, 'its list is too long');
  return parsed.data;
}

function range(name: string, text: string): GridAxis {
  const parts = text.split(':');
  if (parts.length > 3 || !parts.every(isNumber)) {
    throw badAxis(name, text, 'a range is two or three numbers, from:to:step');
  }
  const [from = 0, to = 0, step = 1] = parts.map(Number);
  if (step <= 0) throw badAxis(name, text, 'the step must be above 0');
  if (to < from) throw badAxis(name, text, `it ends at ${to}, before ${from}`);
  return { from, to, step };
}

function badAxis(name: string, text: string, state: string): Fault {
  return new Fault('bad_request', `Cannot read --grid ${name}=${text}: ${state}`, {
    hint: `write ${name}=from:to:step, such as --grid ${name}=5:60:5, or a list such as --grid ${name}=5,10,20`,
  });
}

function nameAndValue(flag: string, text: string, example: string): { name: string; value: string } {
  const [, name, value] = /^([A-Za-z_]\w*)=(.+)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return { name, value };
  throw new Fault('bad_request', `Cannot read ${flag} ${text}: it is not name=value`, {
    hint: `such as ${flag} ${example}; \`ktrdr-agent strategies\` lists the names`,
  });
}

function checkNew(flag: string, name: string, previous: Record<string, unknown>): void {
  if (!Object.hasOwn(previous, name)) return;
  throw new Fault('bad_request', `Cannot read ${flag} ${name}: it is given twice`, {
    hint: `give ${name} once`,
  });
}

function scalar(text: string): Scalar {
  if (text === 'true' || text === 'false') return text === 'true';
  return isNumber(text) ? Number(text) : text;
}

function isNumber(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
}

/** A metric of the engine by name, with the nearest one for a name that is none. */
export function metricNamed(text: string): MetricName {
  const found = METRIC_NAMES.find((name) => name === text);
  if (found !== undefined) return found;
  const suggestion = nearest(text, METRIC_NAMES);
  throw new Fault('bad_request', `Cannot use '${text}' as --rank-by: there is no such metric`, {
    hint: suggestion === undefined ? `one of ${METRIC_NAMES.join(', ')}` : `did you mean ${suggestion}?`,
  });
}
