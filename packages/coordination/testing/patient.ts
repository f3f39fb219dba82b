/** On a busy machine a store that is well may keep a command waiting for longer than P-10 allows; what an outage does is tested elsewhere. */
export const PATIENT_MS = 10_000;
