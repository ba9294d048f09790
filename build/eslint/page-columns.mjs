// Only engine/mm/mem_map.ts touches the columns of struct page (STYLE.md 11): a watched field is then armed in one accessor, and the
// representation can change in one file. Everyone else may pass `k.mem_map` on, but not look inside or keep it under another name.

function isMemMap(node) {
  return node?.type === 'MemberExpression' && node.property.name === 'mem_map';
}

export const pageColumns = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      column: 'Only engine/mm/mem_map.ts touches page columns. Call its accessor (page_count(k, pfn), set_page_private(k, pfn, n) …), or add one there.',
      alias: 'An alias of mem_map hides who touches page columns. Call the accessors of engine/mm/mem_map.ts.',
    },
  },
  create(context) {
    return {
      MemberExpression: (node) => isMemMap(node.object) && context.report({ node, messageId: 'column' }),
      VariableDeclarator: (node) => isMemMap(node.init) && context.report({ node, messageId: node.id.type === 'ObjectPattern' ? 'column' : 'alias' }),
    };
  },
};
