export { BUCKET_KEYS, startBuckets, type BucketServer } from './bucket-server.ts';
export { faultyBucket, FAULTS, type Fault, type FaultyBucket } from './faulty-bucket.ts';
