/** Why bytes from the network are no message. Thrown inside `wire/` only; its entry points return it. */
export type WireProblem =
  /** The bytes end before the message does: on a stream, more may come. */
  | 'truncated'
  /** They are no message of this protocol. */
  | 'malformed'
  /** Larger than a limit of ours allows. */
  | 'oversize'
  /** The checksum of the packet is not that of its bytes. */
  | 'checksum'
  /** Another label than ours, or one where we expect none. */
  | 'label'
  /** No key of the keyring opens it, or it is not encrypted though it must be. */
  | 'undecryptable'
  /** A type byte that this version does not know. */
  | 'unknown_type';

/** Control flow of decoders. It carries no stack: a flood of garbage must stay cheap. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly problem: WireProblem;

  constructor(problem: WireProblem, detail: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(detail);
    Error.stackTraceLimit = stackTraceLimit;
    this.problem = problem;
  }
}
