import type { Costs } from './request';

/** Commission of one fill: max(minimum, rate · notional + per share · quantity). */
export function commissionOf(quantity: number, price: number, costs: Required<Costs>): number {
  const size = Math.abs(quantity);
  const fee = size * price * costs.commissionRate + size * costs.commissionPerShare;
  return Math.max(costs.commissionMinimum, fee);
}

/** What buying (positive) or selling `quantity` at `price` does to cash, commission included. */
export function cashOf(quantity: number, price: number, costs: Required<Costs>): number {
  return -quantity * price - commissionOf(quantity, price, costs);
}

/** A buyer (positive quantity) pays more than the market's price, a seller gets less. */
export function fillPrice(price: number, quantity: number, slippageRate: number): number {
  return price * (quantity > 0 ? 1 + slippageRate : 1 - slippageRate);
}

/** The largest whole quantity whose notional and commission are within `budget`; NaN where there is no price. */
export function quantityWithin(budget: number, price: number, costs: Required<Costs>): number {
  const { commissionRate, commissionPerShare, commissionMinimum } = costs;
  const size = Math.floor(budget / (price * (1 + commissionRate) + commissionPerShare));
  if (commissionMinimum === 0) return size;
  return Math.min(size, Math.floor((budget - commissionMinimum) / price));
}

export function completeCosts(costs: Costs): Required<Costs> {
  return { commissionPerShare: 0, commissionMinimum: 0, ...costs };
}
