import type { Clock } from '#agent/kit/clock';
import type { Log } from '#agent/kit/log';
import type { WireProblem } from '#agent/gossip/wire/wire-error';

/** A flood of nonsense costs one line in this time. */
const REPORT_INTERVAL_MS = 60_000;

const HINTS: Readonly<Partial<Record<WireProblem, string>>> = {
  undecryptable:
    'a machine of another keyring: copy the file of gossip_keyring (state_dir/gossip/keyring.json) from a machine of the fleet to it, mode 0600',
  label: 'a machine of another gossip_label (KTRDR_GOSSIP_LABEL): it is the same on all machines of a fleet',
};

/** Counts what arrives and is no message for us; the log hears of it at once, and then at a bounded rate. */
export class Refusals {
  readonly counts: Partial<Record<WireProblem, number>> = {};
  readonly #log: Log;
  readonly #clock: Clock;
  #reported: Partial<Record<WireProblem, number>> = {};
  #reportedBootMs = -Infinity;

  constructor({ log, clock }: { readonly log: Log; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  count(problem: WireProblem): void {
    this.counts[problem] = (this.counts[problem] ?? 0) + 1;
    this.report();
  }

  /** Says what came since the last line, unless that was just now. */
  report(): void {
    const nowBootMs = this.#clock.bootMs();
    if (nowBootMs - this.#reportedBootMs < REPORT_INTERVAL_MS) return;
    const grown = (problem: WireProblem): boolean =>
      (this.counts[problem] ?? 0) > (this.#reported[problem] ?? 0);
    const news = PROBLEMS.filter(grown);
    if (news.length === 0) return;
    const hint = news.map((problem) => HINTS[problem]).find((text) => text !== undefined);
    this.#log.warn('packets were refused', { ...this.counts, ...(hint === undefined ? {} : { hint }) });
    this.#reported = { ...this.counts };
    this.#reportedBootMs = nowBootMs;
  }
}

const PROBLEMS: readonly WireProblem[] = [
  'undecryptable',
  'label',
  'checksum',
  'malformed',
  'oversize',
  'truncated',
  'unknown_type',
];
