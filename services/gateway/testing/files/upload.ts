/** Uploads a file as tus does, in one request, and resolves to its id. */
export const uploadFile = async (
  url: string,
  body: Uint8Array,
  { name = 'a.txt', type = 'text/plain', user = 'ann' }: { name?: string; type?: string; user?: string } = {},
): Promise<string> => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const made = await fetch(`${url}/api/files?user_id=${user}`, {
    method: 'POST',
    headers: {
      'tus-resumable': '1.0.0',
      'content-type': 'application/offset+octet-stream',
      'upload-length': String(body.length),
      'upload-metadata': `filename ${base64(name)},filetype ${base64(type)}`,
    },
    body: body as Uint8Array<ArrayBuffer>,
  });
  if (made.status !== 201) throw new Error(`upload: ${made.status} ${await made.text()}`);
  return made.headers.get('location')!.split('/').at(-1)!;
};

/** The smallest picture. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
