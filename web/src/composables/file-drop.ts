import { onMounted, onScopeDispose, ref, type Ref } from 'vue';

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;

/** Files dropped anywhere on the page; true while some are held over it. */
export const useFileDrop = (take: (files: File[]) => void, takes: () => boolean): Readonly<Ref<boolean>> => {
  const over = ref(false);
  // `dragleave` comes for each element that is left: the last event says whether they are still here.
  const onDrag = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    // Else the browser would go to the file, and the page would be gone.
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = takes() ? 'copy' : 'none';
    over.value = takes() && !(event.type === 'dragleave' && event.relatedTarget === null);
  };
  const onDrop = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over.value = false;
    if (takes()) take([...(event.dataTransfer?.files ?? [])]);
  };
  const drags = ['dragenter', 'dragover', 'dragleave'] as const;
  onMounted(() => {
    for (const name of drags) window.addEventListener(name, onDrag);
    window.addEventListener('drop', onDrop);
  });
  onScopeDispose(() => {
    for (const name of drags) window.removeEventListener(name, onDrag);
    window.removeEventListener('drop', onDrop);
  });
  return over;
};
