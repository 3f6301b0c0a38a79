import { z } from 'zod';

const COMMANDS_MAX = 16;
/** What the agent looks for by itself. */
const RESERVED = new Set(['onnxruntime', 'tfjs-node', 'python']);
const word = z.string().min(1).max(500);

const argv = z
  .union([
    z.array(word).min(1).max(32),
    z
      .string()
      .min(1)
      .max(500)
      // Without a shell these would be passed on as they stand, which is never what was meant.
      .refine((line) => !/["'`$|&;<>()\\\n]/.test(line), 'no shell runs it: write a list of words')
      .transform((line) => line.split(/\s+/).filter(Boolean)),
  ])
  .refine((words) => words.length > 0, 'a command has a name');

/**
 * Name → command whose first line of output is the version. A mapping has no form in the environment or
 * as a flag, and the control plane cannot send one: who may write the settings file decides what runs.
 */
export const softwareCommandsSchema = z
  .record(
    z
      .string()
      .regex(/^[\w][\w.+-]{0,59}$/, 'a name is letters, digits and . _ + -')
      .refine((name) => !RESERVED.has(name), 'the agent looks for this itself'),
    argv,
    { error: 'give a mapping of names to commands, in the settings file' },
  )
  .refine((commands) => Object.keys(commands).length <= COMMANDS_MAX, `at most ${COMMANDS_MAX} commands`)
  .default({});
