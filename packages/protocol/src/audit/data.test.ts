import { expectTypeOf, test } from 'vitest';
import type { AuditData, AuditEventOf, AuditEventType, TrailData } from './index.ts';

/** What a writer of events is typed with (`MemoryStore.audit`), and what a reader of them gets. */
declare const write: <T extends AuditEventType>(type: T, data: AuditData[T]) => void;
declare const ended: AuditEventOf<'STREAM_COMPLETED'>;

/** Types alone: nothing of it runs. `tsc` fails where a line that must not compile does. */
const _namesThatNoEventHas = (): void => {
  // @ts-expect-error 0.1.0 read this name, and counted no token of any run
  void ended.data.usage?.inputTokens;
  // @ts-expect-error a writer that says another name for the same
  write('TITLE_CHANGED', { userId: 'ann', name: 'Rivers' });
  // @ts-expect-error a writer that leaves a field out
  write('TITLE_CHANGED', { userId: 'ann' });
  // @ts-expect-error a writer of another kind
  write('STREAM_STARTED', { userId: 'ann', runId: 'r', parentId: null, model: 'count', startedAt: 'now' });
  write('TITLE_CHANGED', { userId: 'ann', title: 'Rivers' });
};

test('a field of an event that is renamed compiles neither where it is written nor where it is read', () => {
  expectTypeOf<(typeof ended)['data']['usage']>().toEqualTypeOf<
    { promptTokens: number; completionTokens: number; estimated?: boolean } | undefined
  >();
  expectTypeOf<Parameters<typeof _namesThatNoEventHas>>().toEqualTypeOf<[]>();
  // The trail has a digest where the event has a text, under the same name.
  expectTypeOf<TrailData['TITLE_CHANGED']['title']>().toEqualTypeOf<{ bytes: number; sha256: string }>();
});
