import { defaultOptions, Upload, type DetailedError } from 'tus-js-client';
import { BASE } from '../../lib/session/base.ts';

/** Each piece is a request of its own, which any gateway may take; what of it arrived counts. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** Then a person is told; it goes on by itself when there is a connection again. */
const RETRY_MS = [0, 500, 1_500, 4_000, 8_000];

export interface UploadOf {
  file: Blob;
  name: string;
  /** As it stands at the server; absent for a new one. */
  url?: string;
  token: () => string | undefined;
  begun(url: string): void;
  progress(share: number): void;
  done(fileId: string): void;
  /** `code`: of the server's problem, `unavailable` where there was no answer. */
  failed(code: string): void;
}

const codeOf = (error: Error | DetailedError): string => {
  const response = 'originalResponse' in error ? error.originalResponse : null;
  if (!response) return 'unavailable';
  try {
    const { code } = JSON.parse(response.getBody()) as { code?: unknown };
    if (typeof code === 'string') return code;
  } catch {
    // A proxy answered.
  }
  const status = response.getStatus();
  return status === 413 ? 'too-large' : status === 415 ? 'unsupported-type' : status === 401 ? 'unauthorized' : 'unavailable';
};

/** Worth another try: no answer, a gateway that goes, another writer, a limit for a while. */
const isPassing = ({ originalResponse }: DetailedError): boolean => {
  const status = originalResponse?.getStatus() ?? 0;
  return status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
};

/** Where the gateway lets callers name themselves, each address of an upload has to. */
const named = (url: string): string => {
  const user = new URLSearchParams(location.search).get('user_id');
  if (user === null) return url;
  const target = new URL(url, location.origin);
  target.searchParams.set('user_id', user);
  return target.href;
};

/** Sends a file by tus: piece by piece, from where the server has it. */
export const startUpload = ({ file, name, url, token, begun, progress, done, failed }: UploadOf): { stop(): void } => {
  const upload = new Upload(file, {
    endpoint: `${BASE}api/files`,
    ...(url !== undefined && { uploadUrl: url }),
    chunkSize: PIECE_BYTES,
    retryDelays: RETRY_MS,
    // Kept beside the file itself, which this library would forget.
    storeFingerprintForResuming: false,
    metadata: { filename: name, filetype: file.type },
    httpStack: {
      getName: () => 'runnel',
      createRequest: (method, target) => defaultOptions.httpStack.createRequest(method, named(target)),
    },
    onBeforeRequest(request) {
      const bearer = token();
      if (bearer !== undefined) request.setHeader('authorization', `Bearer ${bearer}`);
    },
    onShouldRetry: isPassing,
    onUploadUrlAvailable: () => upload.url && begun(upload.url),
    onProgress: (sent, total) => progress(total === 0 ? 1 : sent / total),
    onSuccess: () => done(new URL(upload.url!, location.origin).pathname.split('/').at(-1)!),
    onError: (error) => failed(codeOf(error)),
  });
  upload.start();
  return { stop: () => void upload.abort() };
};
