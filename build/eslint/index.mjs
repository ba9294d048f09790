// The house's own lint rules, where ESLint and typescript-eslint have none. Each file explains its rule; each message says what to do.
import { booleanArgument } from './boolean-argument.mjs';
import { fileName } from './file-name.mjs';
import { lonelyYield } from './lonely-yield.mjs';
import { pageColumns } from './page-columns.mjs';
import { yieldGenerators } from './yield-generators.mjs';

export default {
  meta: { name: 'pagewalk' },
  rules: {
    'boolean-argument': booleanArgument,
    'file-name': fileName,
    'lonely-yield': lonelyYield,
    'page-columns': pageColumns,
    'yield-generators': yieldGenerators,
  },
};
