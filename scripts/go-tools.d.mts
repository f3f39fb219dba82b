/** See go-tools.mjs. */
export declare function goTool(name: string): string;
export declare const LICENCES: Record<string, string>;
