import { z } from 'zod';

/** RFC 9457 problem details with the fields of a Fault, and KTRDR's `success: false`. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  hint: z.string().optional(),
  retryable: z.boolean(),
  details: z.record(z.string(), z.unknown()).optional(),
  instance: z.string().optional(),
  success: z.literal(false),
});
export type Problem = z.infer<typeof problemSchema>;

/** KTRDR's envelope around one thing. */
export function single<T extends z.ZodType>(data: T) {
  return z.object({ success: z.literal(true), data });
}

/** KTRDR's envelope around a list. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.object({
    success: z.literal(true),
    data: z.array(item),
    total_count: z.int(),
    active_count: z.int(),
  });
}
