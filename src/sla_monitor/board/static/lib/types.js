/**
 * What the API answers, as docs/openapi.json describes it in full; here is what the page reads.
 *
 * @typedef {{title?: string, detail?: string, partition?: number, partition_state?: string, since?: string}} ProblemDocument
 *
 * @typedef {{partition: number, state: string, owner: string | null, since: string | null, answered: boolean}} Partition
 *
 * @typedef {{case_id: string, generation: number, severity: string, plan: string, country: string, customer: string,
 *   product: string, queue: string, clock: string, run: number, state: string, promised: boolean,
 *   deadline: string | null, remaining_seconds: number | null, target_seconds: number, elapsed_seconds: number,
 *   paused_since: string | null, pause_reason: string | null, rule: string, clause: string, calendar: string,
 *   opened_at: string}} Clock
 *
 * @typedef {Clock & {started_at: string | null, ended_at: string | null, verdict: string, verdict_at: string | null}} CaseClock
 *
 * @typedef {{case_id: string, recommendation: string, severity: string, plan: string, customer: string, queue: string,
 *   from: string, to: string, rule: string, clause: string, since: string, evidence: Record<string, any>}} Downgrade
 *
 * @typedef {{plan: string, severity: string, clock: string, met: number, met_late: number, breached: number,
 *   attained: number | null}} Attained
 *
 * @typedef {{open: number, running: number, paused: number, at_risk: number, breached: number, downgrades_waiting: number}} Counts
 *
 * @typedef {{now: string, deployment: string, worker: string, policy: {name: string, version: string},
 *   partitions: Partition[], complete: boolean, counts: Counts, nearest: Clock[], breached: Clock[], paused: Clock[],
 *   downgrades: Downgrade[], attainment: Attained[]}} Overview
 *
 * @typedef {{now: string, items: Clock[], next: string | null, total: number, complete: boolean, partitions: Partition[],
 *   facets: Record<string, Record<string, number>>}} Cases
 *
 * @typedef {{time: string, type: string, id: string, source: string, sequence: number | null, withdrawn: boolean,
 *   data: Record<string, any>}} CaseEvent
 *
 * @typedef {{time: string | null, type: string, id: string, clock: string | null, retracts: string | null,
 *   retracted_by: string | null, data: Record<string, any> | null}} CaseNotice
 *
 * @typedef {{name: string, zone: string, open: [string, string][], truncated: boolean}} CaseCalendar
 *
 * @typedef {{now: string, case: Record<string, any>, clocks: CaseClock[], downgrades: Downgrade[], events: CaseEvent[],
 *   notices: CaseNotice[], explain: any, words: string[], calendar: CaseCalendar | null}} CaseDetail
 */
export {};
