import { z } from 'zod';
import { Fault } from '#agent/kit/error';
import type { LineCounter } from 'yaml';

/** What is wrong with one file, in the order of its lines; reading goes on after most mistakes. */
export interface Problems {
  report(offset: number, message: string, hint?: string): void;
  readonly count: number;
  /** Throws Fault `invalid` with the first problem; all of them are in its details. */
  throwIfAny(): void;
}

/** One mistake, as `details.problems` of the Fault lists it; line and column count from 1. */
export type FileProblem = z.infer<typeof problemSchema>;

const problemSchema = z.object({
  line: z.int(),
  column: z.int(),
  message: z.string(),
  hint: z.string().nullable(),
});

const PROBLEMS_MAX = 20;

export function createProblems(fileName: string, lines: LineCounter): Problems {
  const found: FileProblem[] = [];
  return {
    get count() {
      return found.length;
    },
    report(offset, message, hint) {
      if (found.length >= PROBLEMS_MAX) return;
      const { line, col: column } = lines.linePos(offset);
      found.push({ line, column, message, hint: hint ?? null });
    },
    throwIfAny() {
      const sorted = found.toSorted((a, b) => a.line - b.line || a.column - b.column);
      const [first] = sorted;
      if (first === undefined) return;
      const more = sorted.length === 1 ? '' : ` (and ${sorted.length - 1} more)`;
      throw new Fault('invalid', `Cannot read ${describeProblem(fileName, first)}${more}`, {
        ...(first.hint === null ? {} : { hint: first.hint }),
        details: { file: fileName, problems: sorted },
      });
    },
  };
}

/** "sma.yaml:12:7: there is no name 'fats'". */
export function describeProblem(fileName: string, { line, column, message }: FileProblem): string {
  return `${fileName}:${line}:${column}: ${message}`;
}

/** The problems that a Fault of a strategy file lists; none for any other Fault. */
export function problemsOf(details: Readonly<Record<string, unknown>> | undefined): FileProblem[] {
  const parsed = z.object({ problems: z.array(problemSchema) }).safeParse(details);
  return parsed.success ? parsed.data.problems : [];
}
