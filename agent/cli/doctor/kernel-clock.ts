import { dlopen, ptr } from 'bun:ffi';

/** What the kernel knows of the accuracy of its clock (adjtimex(2)). */
export interface KernelClock {
  synchronized: boolean;
  /** Estimated and worst error as the synchroniser told the kernel, milliseconds. */
  estimatedErrorMs: number;
  errorMsMax: number;
}

// struct timex of 64-bit Linux: modes (0), offset (8), freq (16), maxerror (24), esterror (32), status (40).
const TIMEX_BYTES = 208;
const STATUS_UNSYNCHRONIZED = 0x40;
const STATE_ERROR = 5;

/** Null where the system does not say. Only reads: `modes` is 0, which needs no privilege. */
export function readKernelClock(): KernelClock | null {
  if (process.platform !== 'linux') return null;
  const libc = dlopen('libc.so.6', { adjtimex: { args: ['ptr'], returns: 'i32' } });
  try {
    const timex = new DataView(new ArrayBuffer(TIMEX_BYTES));
    const state = libc.symbols.adjtimex(ptr(timex));
    if (state < 0) return null;
    const status = timex.getInt32(40, true);
    return {
      synchronized: state !== STATE_ERROR && (status & STATUS_UNSYNCHRONIZED) === 0,
      errorMsMax: Number(timex.getBigInt64(24, true)) / 1000,
      estimatedErrorMs: Number(timex.getBigInt64(32, true)) / 1000,
    };
  } finally {
    libc.close();
  }
}

/** The command that has the clock set by the network, by what is installed. */
export function synchronizeCommand(): string {
  if (Bun.which('chronyc') !== null) return 'systemctl enable --now chrony && chronyc makestep';
  if (Bun.which('timedatectl') !== null) return 'timedatectl set-ntp true';
  return 'install and start an NTP client, such as chrony';
}
