/** Asks the worker. What goes wrong is thrown as a Problem, whose text can be shown as it is. */
import { authorization, refused } from "./token.js";

const BASE = "/api/v1";

/** `status` 0: no answer came at all. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {import("./types.js").ProblemDocument} said
   * @param {number} retryAfterSeconds 0: there is no use in asking again soon
   */
  constructor(status, said, retryAfterSeconds = 0) {
    super(said.detail || said.title || `the worker answered ${status}`);
    this.status = status;
    this.said = said;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * The response to a request, once its status is a good one.
 * @param {string} path below /api/v1
 * @param {RequestInit} [options]
 */
export async function request(path, options = {}) {
  let response;
  try {
    const headers = { ...authorization(), ...options.headers };
    response = await fetch(BASE + path, { cache: "no-store", credentials: "omit", ...options, headers });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0, { title: "No answer", detail: "the worker does not answer" });
  }
  if (response.ok) return response;
  if (response.status === 401) refused();
  const said = await response.json().catch(() => ({}));
  throw new Problem(response.status, said, Number(response.headers.get("Retry-After")) || 0);
}

/**
 * The document at a path.
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export const get = async (path, signal) => (await request(path, { signal })).json();

/**
 * Says what a person decided about a recommendation.
 * @param {string} caseId
 * @param {string} recommendation
 * @param {"confirm" | "decline"} verb
 * @param {string} by
 */
export async function answer(caseId, recommendation, verb, by) {
  const path = `/cases/${encodeURIComponent(caseId)}/downgrades/${encodeURIComponent(recommendation)}/${verb}`;
  const options = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(by ? { by } : {}),
  };
  return (await request(path, options)).json();
}
