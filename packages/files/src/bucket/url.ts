/** Where a bucket is, as `FILES_URL` says it. */
export interface BucketPlace {
  /** Scheme and host, without a path. */
  endpoint: string;
  region: string;
  bucket: string;
}

/** Who asks for it. */
export interface BucketKeys {
  accessKeyId: string;
  secretAccessKey: string;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const REGION = /^[a-z0-9-]{1,64}$/;

/**
 * `s3://bucket?endpoint=https://host&region=eu-west-1`; without an endpoint it is Amazon's. Pure.
 *
 * @throws Error with a sentence for the operator
 */
export const bucketPlace = (url: string): BucketPlace => {
  const [, bucket = '', query = ''] = /^s3:\/\/([^/?#]+)\/?(?:\?(.*))?$/.exec(url) ?? [];
  if (!BUCKET.test(bucket)) throw new Error('FILES_URL: s3:// must be followed by the name of a bucket, and no path');
  const settings = new URLSearchParams(query);
  const unknown = [...settings.keys()].find((name) => name !== 'endpoint' && name !== 'region');
  if (unknown !== undefined) throw new Error(`FILES_URL: s3:// takes endpoint and region, not ${unknown}`);
  const region = settings.get('region') ?? 'us-east-1';
  if (!REGION.test(region)) throw new Error('FILES_URL: this is no region');
  const given = settings.get('endpoint') ?? `https://s3.${region}.amazonaws.com`;
  const endpoint = URL.canParse(given) ? new URL(given) : null;
  const isPlain = endpoint && /^https?:$/.test(endpoint.protocol) && endpoint.pathname === '/' && endpoint.search === '';
  if (!isPlain || endpoint.username !== '') throw new Error('FILES_URL: endpoint must be http:// or https:// and a host, and nothing else');
  return { endpoint: endpoint.origin, region, bucket };
};
