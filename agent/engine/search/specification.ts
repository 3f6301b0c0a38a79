import { z } from 'zod';

const scalarSchema = z.union([z.number(), z.string().max(100), z.boolean()]);

/** From `from` up to and including `to` in steps of `step`. */
const rangeSchema = z.strictObject({ from: z.number(), to: z.number(), step: z.number().positive() });

const barCount = z.int().min(2).max(100_000_000);
const monthCount = z.int().min(1).max(1200);

/** A range, a list of values, or one fixed value. */
export const gridAxisSchema = z.union([
  rangeSchema,
  z.strictObject({ values: z.array(scalarSchema).min(1).max(10_000) }),
  scalarSchema,
]);

/** Parameter name → what a sweep tries for it. Parameters left out keep their default. */
export const gridSpecificationSchema = z.record(z.string().max(100), gridAxisSchema);

export type GridAxis = z.infer<typeof gridAxisSchema>;
export type GridSpecification = Readonly<Record<string, GridAxis>>;

/** How the grid is searched. */
export const searchSpecificationSchema = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('grid').describe('every valid combination') }),
  z.strictObject({
    method: z.literal('random').describe('some of the valid combinations, none twice'),
    samples: z.int().min(1).max(1_000_000).describe('how many'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(1)
      .describe('the same seed draws the same ones on every host'),
  }),
  z
    .strictObject({
      method: z
        .literal('walk_forward')
        .describe('choose on one stretch of the past, test on what follows, and move on'),
      train_bars: barCount.optional().describe('bars that the parameters are chosen on'),
      test_bars: barCount.optional().describe('bars after them that the chosen ones are tested on'),
      train_months: monthCount.optional().describe('instead of bars: calendar months'),
      test_months: monthCount.optional(),
      gap_bars: z
        .int()
        .min(0)
        .max(1_000_000)
        .default(0)
        .describe('bars left out at the end of the training part, as a purge'),
      anchored: z.boolean().default(false).describe('train always from the first bar'),
    })
    .refine(hasOneUnit, {
      error: 'walk_forward takes either train_bars and test_bars, or train_months and test_months',
    }),
]);

export type SearchSpecification = z.infer<typeof searchSpecificationSchema>;
export type RandomSpecification = Extract<SearchSpecification, { method: 'random' }>;
export type WalkForwardSpecification = Extract<SearchSpecification, { method: 'walk_forward' }>;

export const SEARCH_GRID: SearchSpecification = { method: 'grid' };

type Lengths = Partial<
  Record<'train_bars' | 'test_bars' | 'train_months' | 'test_months', number | undefined>
>;

function hasOneUnit({ train_bars, test_bars, train_months, test_months }: Lengths): boolean {
  const inBars = [train_bars, test_bars].filter((length) => length !== undefined).length;
  const inMonths = [train_months, test_months].filter((length) => length !== undefined).length;
  return (inBars === 2 && inMonths === 0) || (inBars === 0 && inMonths === 2);
}
