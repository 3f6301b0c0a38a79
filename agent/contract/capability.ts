import { z } from 'zod';
import { gpuCapabilitySchema, usableDevices, type GpuCapability } from './gpu-capability';
import {
  ibCapabilitySchema,
  networkCapabilitySchema,
  shareCapabilitySchema,
  softwareCapabilitySchema,
  virtualisationCapabilitySchema,
} from './host-capabilities';
import { slotsCapabilitySchema } from './slots-capability';

/**
 * What a node is, as heartbeats carry it whole. Each fact is sent in one of three states: absence
 * and failure are statements too, a missing key would leave open whether anybody looked.
 */
export type Fact<T> =
  | {
      state: 'present';
      value: T;
      /** Sentences for people, each with its source file and figure. */
      derivation: string[];
      /** Wall clock of the node, milliseconds since 1970. */
      probedAtMs: number;
    }
  | { state: 'absent'; reason: string; derivation: string[] }
  | { state: 'failed'; error: string };

/** Bounds of what people are told about one fact; a path in a sentence can be long. */
export const LINE_CHARS_MAX = 500;
export const LINES_MAX = 64;

const sentence = z.string().max(LINE_CHARS_MAX);
const derivation = z.array(sentence).max(LINES_MAX);
const bytes = z.int().nonnegative();

function factOf<T extends z.ZodType>(value: T) {
  return z.discriminatedUnion('state', [
    z.strictObject({ state: z.literal('present'), value, derivation, probedAtMs: z.number() }),
    z.strictObject({ state: z.literal('absent'), reason: sentence, derivation }),
    z.strictObject({ state: z.literal('failed'), error: sentence }),
  ]);
}

export const cpuCapabilitySchema = z.strictObject({
  model: z.string().max(200),
  /** Online logical cores of the machine; inside lxcfs, of what the container shows. */
  logicalCores: z.int().positive(),
  affinityCores: z.int().positive(),
  /** Smallest cgroup quota up to the root, in cores; null when nothing limits. */
  quotaCores: z.number().positive().nullable(),
  /** min(logicalCores, affinityCores, quotaCores), fractional. */
  usableCores: z.number().positive(),
});
export type CpuCapability = z.infer<typeof cpuCapabilitySchema>;

export const memoryCapabilitySchema = z.strictObject({
  totalBytes: bytes,
  /** Smallest cgroup limit up to the root; null when nothing limits. */
  limitBytes: bytes.nullable(),
  /** min(totalBytes, limitBytes). */
  usableBytes: bytes,
  /** What may be allocated now without swapping, by the machine and by every cgroup limit. */
  availableBytes: bytes,
});
export type MemoryCapability = z.infer<typeof memoryCapabilitySchema>;

export const diskSpaceSchema = z.strictObject({
  path: z.string().max(4096),
  totalBytes: bytes,
  /** Free for an unprivileged user. */
  availableBytes: bytes,
});
export type DiskSpace = z.infer<typeof diskSpaceSchema>;

export const diskCapabilitySchema = z.strictObject({
  stateDirectory: diskSpaceSchema,
  cacheDirectory: diskSpaceSchema,
});
export type DiskCapability = z.infer<typeof diskCapabilitySchema>;

/** One key a probe, alphabetical; a later probe adds an optional key, so that older nodes stay valid. */
export const capabilitiesSchema = z.strictObject({
  amd: factOf(gpuCapabilitySchema).optional(),
  apple: factOf(gpuCapabilitySchema).optional(),
  cpu: factOf(cpuCapabilitySchema),
  disk: factOf(diskCapabilitySchema),
  ib: factOf(ibCapabilitySchema).optional(),
  memory: factOf(memoryCapabilitySchema),
  network: factOf(networkCapabilitySchema).optional(),
  nvidia: factOf(gpuCapabilitySchema).optional(),
  share: factOf(shareCapabilitySchema).optional(),
  /** Derived from the others by the agent, not probed. */
  slots: factOf(slotsCapabilitySchema).optional(),
  software: factOf(softwareCapabilitySchema).optional(),
  virtualisation: factOf(virtualisationCapabilitySchema).optional(),
});
export type Capabilities = z.infer<typeof capabilitiesSchema>;
export type CapabilityName = keyof Capabilities;

/** Volatile figures, sent beside the capabilities and never part of placement's hard needs. */
export const loadSchema = z.strictObject({
  /** Runnable processes, one-minute mean, of the machine; null where the system does not say. */
  load1: z.number().nonnegative().nullable(),
  memoryAvailableBytes: bytes.nullable(),
  /** That the machine slept, or its clock was set, for some minutes afterwards; null when neither was. */
  disturbance: z
    .strictObject({
      kind: z.enum(['slept', 'clock-set']),
      /** Length of the sleep; step of the clock, negative when it was set back. */
      byMs: z.number(),
      /** Before the heartbeat that tells of it. */
      agoMs: z.number().nonnegative(),
    })
    .nullable()
    .optional(),
});
export type Load = z.infer<typeof loadSchema>;

/** The capabilities in KTRDR's fields, as its programs read them. */
export const capabilitySummarySchema = z.strictObject({
  gpu: z.boolean(),
  gpu_type: z.enum(['CUDA', 'MPS']).nullable(),
  gpu_count: z.int().nonnegative(),
  cores: z.int().positive().nullable(),
  memory_gb: z.number().nonnegative().nullable(),
});
export type CapabilitySummary = z.infer<typeof capabilitySummarySchema>;

/** What is known of the GPUs of each vendor, those first that jobs have a runtime for. */
export function gpusOf({ nvidia, apple, amd }: Capabilities): GpuCapability[] {
  return [nvidia, apple, amd].flatMap((fact) => (fact?.state === 'present' ? [fact.value] : []));
}

/** Whole cores, at least one of a known processor; GiB to one decimal; null for what is not known. */
export function summarizeCapabilities(capabilities: Capabilities): CapabilitySummary {
  const { cpu, memory } = capabilities;
  const usable = gpusOf(capabilities).filter((gpus) => usableDevices(gpus).length > 0);
  return {
    gpu: usable.length > 0,
    gpu_type: usable[0]?.gpuType ?? null,
    gpu_count: usable.reduce((sum, gpus) => sum + usableDevices(gpus).length, 0),
    cores: cpu.state === 'present' ? Math.max(1, Math.floor(cpu.value.usableCores)) : null,
    memory_gb: memory.state === 'present' ? Math.round((memory.value.usableBytes / 2 ** 30) * 10) / 10 : null,
  };
}
