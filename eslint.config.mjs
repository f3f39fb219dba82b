import tseslint from 'typescript-eslint';
import vue from 'eslint-plugin-vue';
import { importRule } from './scripts/lint/import-rule.ts';

const ENV_AND_EXIT = {
  selector: 'MemberExpression[object.name="process"][property.name=/^(env|exit)$/]',
  message: 'Only main.ts owns the process: take configuration as an argument, throw instead of exiting.',
};

const LATE_CLOSE = {
  selector: 'CallExpression[callee.property.name="once"][arguments.0.value="close"]',
  message: 'What has closed already never says so again: use onClose of @runnel/kit.',
};

/** Other people's functions, and a map's value. */
const TAKES_A_BOOLEAN = 'callee.property.name=/^(set|setKeepAlive|Literal|getLines)$/';

const BOOLEAN_POSITION = {
  selector: `:matches(CallExpression, NewExpression)[arguments.length>1]:not([${TAKES_A_BOOLEAN}]) > Literal.arguments[raw=/^(true|false)$/]`,
  message: 'Nobody sees what a bare true or false means: take an option with a name.',
};

export default tseslint.config(
  { ignores: ['**/node_modules/**', '**/dist/**', 'coverage/**', '.data/**'] },
  {
    files: ['**/*.ts', '**/*.mjs', '**/*.vue'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { runnel: { rules: { imports: importRule } } },
    rules: {
      'runnel/imports': ['error', import.meta.dirname],
      'max-lines': ['error', { max: 300 }],
      'no-console': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-debugger': 'error',
    },
  },
  { files: ['**/*.test.ts', '**/*.contract.ts'], rules: { 'max-lines': ['error', { max: 500 }] } },
  {
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, attributes: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  ...vue.configs['flat/essential'].map((config) => ({ ...config, files: ['**/*.vue'] })),
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      'vue/no-v-html': 'error',
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
    },
  },
  // The one place that draws HTML: what lib/markdown.ts has sanitised.
  { files: ['web/src/components/markdown/MarkdownBlock.vue'], rules: { 'vue/no-v-html': 'off' } },
  {
    files: ['packages/**/*.ts', 'services/**/*.ts', 'web/src/**/*.{ts,vue}'],
    ignores: ['**/main.ts', '**/*.test.ts', '**/testing/**', '**/test/**'],
    rules: { 'no-restricted-syntax': ['error', ENV_AND_EXIT, BOOLEAN_POSITION] },
  },
  {
    files: ['services/**/*.ts'],
    ignores: ['**/main.ts', '**/*.test.ts', '**/testing/**', '**/test/**'],
    rules: { 'no-restricted-syntax': ['error', ENV_AND_EXIT, BOOLEAN_POSITION, LATE_CLOSE] },
  },
  // Scripts of other people's clients run in a folder of their own, with the package.json beside them.
  { files: ['clients/outside/**'], rules: { 'runnel/imports': 'off' } },
);
