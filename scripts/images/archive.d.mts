export interface Layer {
  file: string;
  sha256: string;
}
export function makeLayer(folder: string, file: string): Promise<Layer>;
export function makeImage(image: { tag: string; out: string; arch: string; config: object; layers: readonly Layer[] }): string;
