/** What is published, in the order in which they need each other. */
export const PACKAGES = ['protocol', 'client', 'vue'] as const;
export type PackageName = (typeof PACKAGES)[number];
