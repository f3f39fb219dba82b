/** See go-tools.mjs. */
export declare function goTool(name: string): string;
