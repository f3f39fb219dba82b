export const SMALL: string[];
export const SMALL_ENV: Record<string, string>;
export function programOf(service: string, entry?: string): string;
export function bundleService(service: string, folder: string): Promise<void>;
