import { z } from 'zod';

const scalarSchema = z.union([z.number(), z.string().max(100), z.boolean()]);

/** From `from` up to and including `to` in steps of `step`. */
const rangeSchema = z.strictObject({ from: z.number(), to: z.number(), step: z.number().positive() });

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
