/** Tables of the trail: the service adds rows, and no right lets it change or remove one. */
const ADDED_TO = ['audit_log', 'audit_chain', 'audit_checkpoint', 'audit_redacted', 'audit_late_key', 'text_cut'];
/** What follows from the trail, and where its chains and their checkpoints stand. */
const CHANGED = [
  'audit_head',
  'audit_state',
  'audit_cut',
  'audit_checked',
  'audit_person',
  'chat_session',
  'message',
  'part',
  'parked',
  'preset',
  'person_record',
  'run',
  'stream_chunk',
  'dead_letter',
  'legal_hold',
  'held_row',
];
/** A deleted conversation's texts go, what is past its time, and letters that were dealt with. */
const REMOVED_FROM = [
  ...['message', 'part', 'parked', 'preset', 'person_record', 'run', 'stream_chunk'],
  ...['dead_letter', 'legal_hold', 'held_row'],
];

/**
 * What a role needs that runs the service, in a database that another role migrates (`npm run audit -- migrate`, which makes the
 * months ahead, too). Months older than `AUDIT_RETENTION` are removed by the role that owns them. Pure.
 */
export const SERVICE_RIGHTS = (role: string): string[] => [
  `GRANT USAGE ON SCHEMA public TO ${role}`,
  `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
  `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${role}`,
  `GRANT INSERT ON ${[...ADDED_TO, ...CHANGED].join(', ')} TO ${role}`,
  `GRANT UPDATE ON ${CHANGED.join(', ')} TO ${role}`,
  `GRANT DELETE ON ${REMOVED_FROM.join(', ')} TO ${role}`,
];
