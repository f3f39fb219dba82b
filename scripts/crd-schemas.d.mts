/** See crd-schemas.mjs. */
export declare const crdSchemas: string;
export declare function hasCrdSchemas(): boolean;
export declare function fetchCrdSchemas(): string | undefined;
export declare function schemasOfCrd(text: string): Record<string, object>;
