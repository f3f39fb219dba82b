export interface ServiceImage {
  entries: Record<string, string>;
  packages: string[];
  calls: Record<string, string>;
  small: boolean;
}
export const SERVICES: Record<'gateway' | 'ai' | 'audit' | 'operator', ServiceImage>;
export const LOOKS_AROUND: Record<string, string>;
