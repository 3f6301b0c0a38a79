import { FAULTS, Fault, errorCode, isFaultCode, type FaultCode } from '#agent/kit/error';
import { problemSchema } from '#agent/contract/problem';

const PROBLEM_BYTES_MAX = 1024 * 1024;

/** A refusal of the control plane as the Fault it was there; of anything else in between, as what it says. */
export async function faultOfAnswer(response: Response, url: string): Promise<Fault> {
  const text = (await response.text()).slice(0, PROBLEM_BYTES_MAX);
  const problem = problemSchema.safeParse(parseJson(text));
  if (!problem.success) return foreignAnswer(response, url);
  const { code, detail, hint, details } = problem.data;
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const known = isFaultCode(code) ? code : codeOfStatus(response.status);
  return new Fault(known, detail, {
    ...(hint === undefined ? {} : { hint }),
    details: { ...details, ...(Number.isFinite(retryAfter) ? { retry_after_s: retryAfter } : {}) },
  });
}

/** A request that got no answer: nobody listens, the name is unknown, the connection broke, or it took too long. */
export function faultOfFailure(cause: unknown, where: { url: string; timeoutMs: number }): Fault {
  const { origin } = new URL(where.url);
  if (cause instanceof Error && cause.name === 'TimeoutError') {
    const message = `Cannot hear from the control plane at ${origin}: no answer within ${where.timeoutMs / 1000} s`;
    return new Fault('timeout', message, {
      cause,
      hint: 'look at its log; `ktrdr-agent status` shows what runs',
    });
  }
  const state = STATES[errorCode(cause) ?? ''] ?? (cause instanceof Error ? cause.message : String(cause));
  return new Fault('unavailable', `Cannot reach the control plane at ${origin}: ${state}`, {
    cause,
    hint: 'start one with `ktrdr-agent dev up`, or correct api_url (KTRDR_API_URL)',
  });
}

const STATES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ConnectionRefused: 'connection refused',
  ECONNRESET: 'the connection broke',
  ConnectionClosed: 'the connection broke',
  EPIPE: 'the connection broke',
  ENOTFOUND: 'its name is unknown',
  EAI_AGAIN: 'its name cannot be looked up now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no connection in time',
  EPROTO: 'it does not speak TLS; write http:// in api_url',
};

function foreignAnswer(response: Response, url: string): Fault {
  const media = response.headers.get('content-type') ?? 'nothing';
  const message = `Cannot use the answer of ${new URL(url).origin}: ${response.status} with ${media}, not from a control plane`;
  return new Fault(response.status >= 500 ? 'unavailable' : 'environment', message, {
    hint: 'correct api_url (KTRDR_API_URL), or look at the proxy in between',
    details: { status: response.status },
  });
}

/** Of a code that only a newer control plane knows: the first of ours with the same HTTP status. */
function codeOfStatus(status: number): FaultCode {
  const codes = Object.keys(FAULTS).filter(isFaultCode);
  return (
    codes.find((code) => FAULTS[code].status === status) ?? (status < 500 ? 'bad_request' : 'unavailable')
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
