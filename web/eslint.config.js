import { readdirSync } from 'node:fs'

import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'
import vueParser from 'vue-eslint-parser'

const features = readdirSync(new URL('src/features', import.meta.url))

/** A feature may use `api`, `realtime`, `entities` and `ui`; the app puts features together. */
const independentFeatures = features.map((feature) => ({
  files: [`src/features/${feature}/**`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: ['@/app/*', ...features.filter((f) => f !== feature).map((f) => `@/features/${f}/*`)],
            message: 'Features never import each other or the app: put the pieces together in src/app.',
          },
          { group: ['../../*'], message: 'Leave a feature through the @ alias.' },
        ],
      },
    ],
  },
}))

const below = (folder, forbidden) => ({
  files: [`src/${folder}/**`],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ group: forbidden, message: `src/${folder} lies below these folders.` }] },
    ],
  },
})

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/api/schema.ts', 'public'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parser: vueParser, parserOptions: { parser: tseslint.parser } },
  },
  {
    rules: {
      'no-undef': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      'vue/multi-word-component-names': 'off',
      'vue/no-v-html': 'error',
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/require-default-prop': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/define-macros-order': ['error', { order: ['defineModel', 'defineProps', 'defineEmits'] }],
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_' }],
    },
  },
  { files: ['**/*.vue'], rules: { 'max-lines': ['error', { max: 150, skipBlankLines: true }] } },
  ...independentFeatures,
  below('ui', ['@/app/*', '@/features/*', '@/entities/*', '@/realtime/*', '@/api/*']),
  below('api', ['@/app/*', '@/features/*', '@/entities/*', '@/realtime/*', '@/ui/*']),
  below('entities', ['@/app/*', '@/features/*', '@/realtime/*', '@/ui/*']),
  below('diagram', ['@/*']),
  below('realtime', ['@/app/*', '@/features/*', '@/ui/*']),
)
