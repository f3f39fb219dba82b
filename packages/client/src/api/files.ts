import type { Api } from './api.ts';

/**
 * Uploaded files. They are put there by any tus client at `/api/files`, and named in a prompt by their ids.
 * Rejects with RunnelError: `not-found` for what is deleted, unfinished or somebody else's.
 */
export interface Files {
  /** The bytes, as they are served. */
  read(fileId: string): Promise<Blob>;
  /** A small picture of it, `size` pixels at its longest side (16–1024); `not-found` where there is none. */
  preview(fileId: string, size: number): Promise<Blob>;
  /** Messages that name it keep their place for it. */
  remove(fileId: string): Promise<void>;
}

const pathOf = (fileId: string): string => `/api/files/${encodeURIComponent(fileId)}`;

export const createFiles = ({ open }: Pick<Api, 'open'>): Files => ({
  read: async (fileId) => (await open(pathOf(fileId), { accept: '*/*' })).blob(),
  preview: async (fileId, size) => (await open(`${pathOf(fileId)}/preview`, { query: { size }, accept: 'image/*' })).blob(),
  async remove(fileId) {
    // A call of tus: it says its version.
    await open(pathOf(fileId), { method: 'DELETE', headers: { 'tus-resumable': '1.0.0' } });
  },
});
