import type { AliveMessage, PushNodeState } from '#agent/gossip/wire/messages';
import { normalizedIp } from './address';
import type { CoreContext } from './context';
import { ACCUSATION_MAX, INCARNATION_MAX, OUR_VERSION } from './member';

/** The normalized address of a claim that an honest peer may have made; undefined, and counted, otherwise. */
export function checkAlive(context: CoreContext, claim: AliveMessage): Uint8Array | undefined {
  const { metaBytesMax } = context.settings.limits;
  const addr = normalizedIp(claim.Addr);
  const honest =
    hasValidName(context, claim.Node) &&
    claim.Port >= 1 &&
    claim.Port <= 65_535 &&
    claim.Meta.length <= metaBytesMax &&
    hasValidVersion(claim.Vsn);
  if (!honest || addr === undefined) {
    context.counters.malformed++;
    return undefined;
  }
  return isBelow(context, claim.Incarnation, INCARNATION_MAX) ? addr : undefined;
}

/**
 * Whether a suspect or dead message can be meant seriously. About this node itself everything is that it can
 * still outdo; about others less (ACCUSATION_MAX).
 */
export function checkAccusation(
  context: CoreContext,
  claim: { readonly Incarnation: number; readonly Node: string; readonly From: string },
): boolean {
  if (!hasValidName(context, claim.Node) || claim.From.length > context.settings.limits.nameLengthMax) {
    context.counters.malformed++;
    return false;
  }
  const isOwn = claim.Node === context.selfName;
  return isBelow(context, claim.Incarnation, isOwn ? INCARNATION_MAX - 1 : ACCUSATION_MAX);
}

/**
 * memberlist's verifyProtocol: every member, gone ones included, must speak a version that all alive ones
 * understand, or the whole merge is refused: two groups that cannot talk must not become one.
 */
export function speaksOurProtocol(nodes: readonly PushNodeState[]): boolean {
  return nodes.every(({ Vsn }) => {
    if (Vsn.length !== 6) return false;
    const [, , protocol = 0, , , delegate = 0] = Vsn;
    const [pMin = 0, pMax = 0, , dMin = 0, dMax = 0] = OUR_VERSION;
    return protocol >= pMin && protocol <= pMax && delegate >= dMin && delegate <= dMax;
  });
}

function hasValidName({ settings }: CoreContext, name: string): boolean {
  return name.length >= 1 && name.length <= settings.limits.nameLengthMax;
}

function hasValidVersion(vsn: Uint8Array): boolean {
  const [pMin = 0, pMax = 0, pCur = 0, dMin = 0, dMax = 0, dCur = 0] = vsn;
  return vsn.length === 6 && pMin <= pCur && pCur <= pMax && dMin <= dCur && dCur <= dMax;
}

function isBelow(context: CoreContext, incarnation: number, bound: number): boolean {
  if (Number.isInteger(incarnation) && incarnation >= 0 && incarnation <= bound) return true;
  context.counters.incarnationTooHigh++;
  return false;
}
