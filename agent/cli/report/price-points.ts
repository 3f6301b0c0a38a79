import { POINTS_MAX } from './thin';

export interface PricePoint {
  timeMs: number;
  close: number;
}

/**
 * Thins closes while they come, so that a series of any length needs the memory of a chart: every
 * `stride`-th is kept, and once there are twice as many as wanted, every second of those.
 */
export class PricePoints {
  #points: PricePoint[] = [];
  #stride = 1;
  #seen = 0;
  #last: PricePoint | undefined;
  readonly #max: number;

  constructor(max = POINTS_MAX) {
    this.#max = max;
  }

  add(point: PricePoint): void {
    this.#last = point;
    if (this.#seen++ % this.#stride !== 0) return;
    this.#points.push(point);
    if (this.#points.length <= this.#max) return;
    this.#points = this.#points.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }

  /** Bars of the series, shown or not. */
  get barCount(): number {
    return this.#seen;
  }

  /** Bars from one shown close to the next. */
  get stride(): number {
    return this.#stride;
  }

  /** In order of time, the first and the last bar always among them. */
  points(): PricePoint[] {
    const last = this.#last;
    if (last === undefined || this.#points.at(-1)?.timeMs === last.timeMs) return this.#points;
    return [...this.#points, last];
  }
}
