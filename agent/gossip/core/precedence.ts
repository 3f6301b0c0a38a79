/** Which news wins, by incarnation alone: the heart of SWIM, and the whole of it in three functions. */
export interface Precedence {
  /** Whether "alive at `claimed`" says more about another member than what is held. */
  aliveWins(claimed: number, held: number): boolean;
  /** Whether "suspect" or "dead at `claimed`" does. */
  accusationWins(claimed: number, held: number): boolean;
  /** The incarnation with which this node, at `own`, answers a claim about itself at `claimed`. */
  refutation(own: number, claimed: number): number;
}

export const STANDARD_PRECEDENCE: Precedence = {
  aliveWins: (claimed, held) => claimed > held,
  accusationWins: (claimed, held) => claimed >= held,
  refutation: (own, claimed) => Math.max(own, claimed) + 1,
};
