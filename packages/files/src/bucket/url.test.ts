import { expect, test } from 'vitest';
import { isNoSuchKey, readListing } from './listing.ts';
import { bucketPlace } from './url.ts';
import { checkFilesUrl, openBlobs } from '../open-files.ts';

test.each([
  ['s3://files', { endpoint: 'https://s3.us-east-1.amazonaws.com', region: 'us-east-1', bucket: 'files' }],
  ['s3://files?region=eu-west-1', { endpoint: 'https://s3.eu-west-1.amazonaws.com', region: 'eu-west-1', bucket: 'files' }],
  ['s3://my.files/?endpoint=http://minio:9000&region=x', { endpoint: 'http://minio:9000', region: 'x', bucket: 'my.files' }],
])('%s is a place', (url, place) => {
  expect(bucketPlace(url)).toEqual(place);
  expect(checkFilesUrl(url)).toBe(url);
  expect(() => openBlobs(url)).toThrow('AWS_ACCESS_KEY_ID');
});

test.each([
  ...['s3://', 's3://Files', 's3://files/folder', 's3://files?endpoint=minio:9000', 's3://files?endpoint=http://u:p@x', 's3://files?key=x'],
  ...['s3://files?endpoint=http://x/path', 's3://files?region=a/b', 'http://files', 'files'],
])('%s is refused at the start, with a sentence', (url) => {
  expect(() => checkFilesUrl(url)).toThrow('FILES_URL');
});

test('a page of a listing: objects, folders, and where the next one begins', () => {
  const object = (key: string, size: number) => `<Contents><Key>${key}</Key><ETag>&quot;x&quot;</ETag><Size>${size}</Size></Contents>`;
  const page = (inner: string) => `<?xml version="1.0"?><ListBucketResult xmlns="x"><Prefix>files/</Prefix>${inner}</ListBucketResult>`;
  const first = page(
    `<IsTruncated>true</IsTruncated>${object('files/a', 1)}${object('files/b&amp;c', 20)}<NextContinuationToken>a&amp;b=</NextContinuationToken>`,
  );
  expect(readListing(first)).toEqual({
    objects: [
      { key: 'files/a', bytes: 1 },
      { key: 'files/b&c', bytes: 20 },
    ],
    next: 'a&b=',
  });
  expect(readListing(page('<IsTruncated>false</IsTruncated>'))).toEqual({ objects: [], next: null });
});

test('what is no whole listing is no empty folder', () => {
  const whole = '<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>';
  expect(readListing(`${whole}\n`)?.objects).toEqual([{ key: 'a', bytes: 1 }]);
  for (const other of ['', '<html>Welcome</html>', whole.slice(0, -5), '<Error><Code>SlowDown</Code></Error>'])
    expect(readListing(other)).toBeNull();
});

test('a missing object is told from a missing bucket, and from a page of something before it', () => {
  expect(isNoSuchKey('<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Key>a</Key></Error>')).toBe(true);
  for (const other of ['', '<Error><Code>NoSuchBucket</Code></Error>', '<html>NoSuchKey</html>']) expect(isNoSuchKey(other)).toBe(false);
});
