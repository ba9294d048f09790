// A call of a function that may sleep does nothing by itself: it makes a generator. Forgetting the `yield*` is the engine's unawaited
// promise: a call of generator type is no statement and no condition by itself (it may be handed on, as a task's body is). Needs type information.

const GENERATORS = new Set(['Generator', 'Coroutine']);

function isGenerator(type) {
  return GENERATORS.has(type.aliasSymbol?.name ?? '') || GENERATORS.has(type.getSymbol()?.name ?? '');
}

/** Whether nobody uses the value, or only asks whether it is truthy, which a generator always is. */
function isDropped(node) {
  const { parent } = node;
  return /^(ExpressionStatement|UnaryExpression)$/.test(parent.type) || parent.test === node || (parent.type === 'LogicalExpression' && parent.left === node);
}

export const yieldGenerators = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { forgotten: 'This call may sleep and does nothing without `yield*`. Write `yield* {{callee}}(…)`, on a line of its own.' },
  },
  create(context) {
    const { parserServices } = context.sourceCode;
    return {
      CallExpression(node) {
        if (!isDropped(node) || !isGenerator(parserServices.getTypeAtLocation(node))) return;
        context.report({ node, messageId: 'forgotten', data: { callee: context.sourceCode.getText(node.callee) } });
      },
    };
  },
};
