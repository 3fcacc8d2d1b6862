import { fileURLToPath, URL } from 'node:url'

import vueI18n from '@intlify/unplugin-vue-i18n/vite'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

import { chunksOfTheFirstScreen, SHARED } from './chunks'
import { shell } from './shell'

const backend = process.env['TERTULIA_URL'] ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [
    vue(),
    tailwindcss(),
    // Messages are compiled at build time: the page's CSP forbids `eval`.
    vueI18n({
      include: fileURLToPath(new URL('./src/locales/*/*.json', import.meta.url)),
      runtimeOnly: true,
      dropMessageCompiler: true,
      fullInstall: false,
    }),
    shell(),
  ],
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
  },
  resolve: {
    alias: {
      '@': fileURLToPath(new URL('./src', import.meta.url)),
      // Only markdown-it asks for it.
      entities: fileURLToPath(new URL('./src/ui/markdown/entities.ts', import.meta.url)),
    },
  },
  server: { port: 5173, proxy: { '/api': { target: backend, changeOrigin: false } } },
  // Fonts and icons stay files of their own: the CSP allows no `data:` scripts or fonts.
  build: {
    assetsInlineLimit: 0,
    target: 'es2022',
    // Those that know `:dir()`: for older ones it would become a guess by language, which is the page's and not the text's.
    cssTarget: ['chrome120', 'firefox121', 'safari16.4'],
    sourcemap: false,
    manifest: true,
    rolldownOptions: {
      input: {
        index: fileURLToPath(new URL('./index.html', import.meta.url)),
        // Its own page in a frame: nothing of it is in the first screen.
        diagram: fileURLToPath(new URL('./diagram.html', import.meta.url)),
        sw: fileURLToPath(new URL('./src/worker/sw.ts', import.meta.url)),
      },
      // The worker's name is its address for ever, and its folder is what it is in charge of.
      output: {
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
        codeSplitting: { groups: [...SHARED, { name: chunksOfTheFirstScreen() }] },
      },
    },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'], setupFiles: ['src/testing/texts.ts'], server: { deps: { inline: ['markdown-it'] } } },
})
