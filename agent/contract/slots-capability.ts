import { z } from 'zod';

/** How many pieces of work an agent runs at once; its derivation says how that came about. */
export const slotsCapabilitySchema = z.strictObject({
  slots: z.int().nonnegative(),
  /** What the cores allow; null when a number is set. */
  byCores: z.int().nonnegative().nullable(),
  /** What the memory allows; null when it could not be told. */
  byMemory: z.int().nonnegative().nullable(),
});
export type SlotsCapability = z.infer<typeof slotsCapabilitySchema>;
