import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';
import { absolute } from './absolute.ts';
import { firstPicture } from './first-picture.ts';
import { precompress } from './precompress.ts';
import { serviceWorker } from './service-worker.ts';

/** Where `vite dev` sends what a gateway answers in production. */
const gateway = process.env['RUNNEL_GATEWAY'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: import.meta.dirname,
  // Scripts and styles find each other wherever the page stands; the page itself is sent for many paths, and names them from the root.
  base: './',
  plugins: [vue(), firstPicture(), absolute(), serviceWorker(), precompress()],
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
    // Messages are functions already (lib/message-forms.ts).
    __INTLIFY_DROP_MESSAGE_COMPILER__: true,
  },
  build: {
    // A strict Content-Security-Policy allows files of our own and nothing else, so nothing may become a data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What the page begins with is one file: each more costs a request and its headers, and is compressed by itself.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'page', tags: ['$initial'] }] } } },
  },
  server: {
    proxy: {
      '/ws': { target: gateway, ws: true },
      '/api': gateway,
      '/v1': gateway,
    },
  },
});
