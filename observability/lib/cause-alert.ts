export type Severity = 'page' | 'ticket';

/** What one minute adds to a series in a test of an alert; `=` in front: a gauge that stands at the value. */
export type Samples = Record<string, number | `=${number}`>;

/** An alert on a cause: it points at what to look at, while the SLOs tell that people feel it. */
export interface CauseAlert {
  alert: string;
  severity: Severity;
  expr: string;
  for: string;
  /** Asked only every ten minutes: it looks at a month. */
  rarely?: true;
  summary: string;
  description: string;
  /** Series with which it fires, and nearly the same ones with which it must not. */
  fires: Samples;
  silent: Samples;
  /** Labels of the firing alert besides the severity. */
  labels?: Record<string, string>;
}
