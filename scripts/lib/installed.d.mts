export interface Platform {
  os: string;
  cpu: string;
  libc: 'glibc' | 'musl' | undefined;
}
export function thisPlatform(): Platform;
export function lockMatches(wanted: object | undefined, got: object | undefined, platform: Platform): boolean;
export function isInstalled(root: string): boolean;
export function bundledNode(root: string, platform: Platform): string | undefined;
