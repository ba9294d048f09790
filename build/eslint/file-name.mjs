// File names (STYLE.md 7 and 8): the kernel's own names in engine/, kebab-case elsewhere.
import path from 'node:path';

const KERNEL_NAME = /^[a-z0-9]+([_-][a-z0-9]+)*[.]ts$/;
const KEBAB_CASE = /^[.]?[a-z0-9]+(-[a-z0-9]+)*([.][a-z]+)*[.](ts|mjs|cjs)$/;

export const fileName = {
  meta: {
    type: 'suggestion',
    schema: [{ enum: ['kernel', 'kebab'] }],
    messages: {
      kernel: 'Rename {{name}}: a file of engine/ has the lower-case name of its kernel file (page_alloc.ts, page-flags.ts).',
      kebab: 'Rename {{name}}: files outside engine/ are kebab-case (engine-client.ts).',
    },
  },
  create(context) {
    const [style] = context.options;
    const name = path.basename(context.filename);
    const isGood = (style === 'kernel' ? KERNEL_NAME : KEBAB_CASE).test(name);
    return { Program: (node) => isGood || context.report({ node, loc: { line: 1, column: 0 }, messageId: style, data: { name } }) };
  },
};
