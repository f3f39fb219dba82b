import type { MigrationInterface, QueryRunner } from 'typeorm';

const ENDS = "('STREAM_COMPLETED', 'STREAM_CANCELLED', 'STREAM_ERROR')";

/** A JSON string cannot hold `"usage":` unescaped, so the text is enough; `jsonb` would refuse a U+0000 in an error's message. */
const ofPostgres = (name: string): string => `substring(data from '"usage":\\{[^}]*"${name}":([0-9]{1,15})[,}]')::bigint`;

/** The first end of each run that says what its model used. */
const IN_POSTGRES = `
  SELECT DISTINCT ON (conversation_id, run_id) conversation_id, run_id,
    ${ofPostgres('promptTokens')} AS input_tokens, ${ofPostgres('completionTokens')} AS output_tokens
  FROM audit_log WHERE type IN ${ENDS} AND data LIKE '%"usage":{%' ORDER BY conversation_id, run_id, time`;
const IN_SQLITE = `
  SELECT conversation_id, run_id, min(time),
    json_extract(data, '$.usage.promptTokens') AS input_tokens, json_extract(data, '$.usage.completionTokens') AS output_tokens
  FROM audit_log WHERE type IN ${ENDS} AND data LIKE '%"usage":{%' GROUP BY conversation_id, run_id`;

/**
 * 0.1.0 looked for the tokens of a run under names that no event has, so its runs have none. The trail has them: they are put where it
 * says so. A row that has its numbers keeps them.
 */
export class Tokens1700000000008 implements MigrationInterface {
  name = 'Tokens1700000000008';

  async up(runner: QueryRunner): Promise<void> {
    const ends = runner.connection.options.type === 'postgres' ? IN_POSTGRES : IN_SQLITE;
    await runner.query(
      `UPDATE run SET input_tokens = ended.input_tokens, output_tokens = ended.output_tokens FROM (${ends}) AS ended
       WHERE run.conversation_id = ended.conversation_id AND run.run_id = ended.run_id AND run.reason IS NOT NULL
         AND run.input_tokens IS NULL AND run.output_tokens IS NULL`,
    );
  }

  /** The numbers are true for an older program as well. */
  async down(): Promise<void> {}
}
