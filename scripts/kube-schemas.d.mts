/** See kube-schemas.mjs. */
export declare const kubeSchemas: string;
export declare function hasKubeSchemas(): boolean;
export declare function fetchKubeSchemas(): string | undefined;
