/**
 * Builds the window's pages into `dist/`.
 *
 * `index.html` is the desktop window, `server.html` the page that `resident server` sends. `scripted.html`, the same
 * interface on an in-memory backend for tests and screenshots, is served by `npm run dev` alone and so never reaches a
 * user. Nothing is inlined as a data URL, since the window's
 * content security policy admits fonts and scripts from its own origin only.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  clearScreen: false,
  server: { port: 5173, strictPort: true },
  build: {
    target: ['es2022', 'safari16'],
    rolldownOptions: { input: ['index.html', 'server.html'] },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  resolve: process.env['VITEST'] ? { conditions: ['browser'] } : {},
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['./tests/setup.ts'],
    // Generous, since the tests share their processors with compilers.
    testTimeout: 30_000,
  },
});
