import type { FileContents } from '@runnel/files';
import type { Metrics } from '@runnel/kit';
import { startAtZero } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import type { Pictures } from './pictures.ts';
import type { ReadText } from './texts.ts';

const WHAT = ['picture', 'document', 'preview'] as const;
/** read: it is what it seems. none: nothing could be read, within the limits. refused: broken, or a bomb. missing: no sharp here. */
const OUTCOMES = ['read', 'none', 'refused', 'overloaded', 'missing'] as const;

const count = (metrics: Metrics) => {
  const counter = metrics.counter('runnel_gateway_file_contents_total', 'Pictures, documents and previews, by what came of them', [
    'what',
    'outcome',
  ]);
  startAtZero(counter, { what: [...WHAT], outcome: [...OUTCOMES] });
  return (what: (typeof WHAT)[number], outcome: (typeof OUTCOMES)[number]): void => counter.inc({ what, outcome });
};

const wordOf = (error: unknown): 'overloaded' | 'refused' =>
  error instanceof RunnelError && error.code === 'overloaded' ? 'overloaded' : 'refused';

/** What is in files, and their previews. */
export interface Contents extends FileContents {
  /** Null: there are none here. */
  preview(seen: Uint8Array, size: number): Promise<Buffer | null>;
}

export const createContents = (pictures: Pictures | null, readText: ReadText, metrics: Metrics): Contents => {
  const counted = count(metrics);
  const told = async <T>(what: (typeof WHAT)[number], work: Promise<T>): Promise<T> => {
    try {
      const found = await work;
      counted(what, found === null ? 'none' : 'read');
      return found;
    } catch (error) {
      counted(what, wordOf(error));
      throw error;
    }
  };
  return {
    async picture(path, mediaType, target) {
      if (pictures !== null) return told('picture', pictures.clean(path, mediaType, target));
      counted('picture', 'missing');
      return null;
    },
    text: (path, mediaType) => told('document', readText(path, mediaType)),
    async preview(seen, size) {
      if (pictures !== null) return told('preview', pictures.preview(seen, size));
      counted('preview', 'missing');
      return null;
    },
  };
};
