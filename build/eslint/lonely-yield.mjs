// A generator of the engine can be suspended, saved as data and resumed at any `yield` (DESIGN.md, decisions 2 and 5). So nothing half
// computed may lie around one: it stands alone as a statement, or is the whole right side of a declaration, of an assignment to a local,
// or of a `return`. A `for…of` keeps an iterator that cannot be saved, and a pattern or several declarators keep half a declaration.

const FUNCTIONS = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;

/** `const x = yield* f();`, one declarator, not in the head of a loop. */
function isWholeDeclaration(parent, node) {
  if (parent.type !== 'VariableDeclarator' || parent.init !== node || parent.id.type !== 'Identifier') return false;
  const declaration = parent.parent;
  return declaration.declarations.length === 1 && !/^For/.test(declaration.parent.type);
}

/** `x = yield* f();` or `x op= yield* f();` with a plain name on the left. */
function isWholeAssignment(parent, node) {
  return parent.type === 'AssignmentExpression' && parent.right === node && parent.left.type === 'Identifier'
    && !/^(&&|\|\||\?\?)=$/.test(parent.operator) && parent.parent.type === 'ExpressionStatement';
}

function standsAlone(node) {
  const { parent } = node;
  return parent.type === 'ExpressionStatement' || (parent.type === 'ReturnStatement' && parent.argument === node)
    || isWholeDeclaration(parent, node) || isWholeAssignment(parent, node);
}

/** The `for…of` or `for…in` loop of the same function around a node, if there is one. */
function iteratorAround(node) {
  for (let at = node.parent; at && !FUNCTIONS.test(at.type); at = at.parent) {
    if (/^For(Of|In)Statement$/.test(at.type)) return at;
  }
  return null;
}

export const lonelyYield = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      alone: 'A `yield` stands alone, so that the call can be suspended as data: write `const x = yield* f();` first and use `x` here. '
        + 'Allowed: `yield* f();`, `const x = yield* f();`, `x = yield* f();`, `x += yield* f();` with a local x, `return yield* f();`.',
      iterator: 'No `yield` inside for…of or for…in: its iterator cannot be saved. Loop with an index: `for (let i = 0; i < list.length; i++)`.',
    },
  },
  create(context) {
    return {
      YieldExpression(node) {
        if (!standsAlone(node)) context.report({ node, messageId: 'alone' });
        if (iteratorAround(node) !== null) context.report({ node, messageId: 'iterator' });
      },
    };
  },
};
