export function programOf(service: string, entry?: string): string;
export function bundleService(service: string, folder: string): Promise<void>;
