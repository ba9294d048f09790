// No `true` or `false` as an argument (STYLE.md 15): the reader of the call cannot see what it means.
// Let through by name: calls where the value itself is what is handed over, and functions of other people.

const VALUE_TAKERS = new Set(['push', 'unshift', 'fill', 'set', 'add', 'resolve', 'includes', 'indexOf', 'String', 'Boolean', 'postMessage']);
const FOREIGN = new Set(['executeCommand', 'update', 'Scope']);

/** `assert.equal(…)` of Node, `t.memberExpression(…)` of Babel. */
const FOREIGN_OBJECTS = new Set(['assert', 't']);

function isLetThrough(callee) {
  const name = callee.type === 'MemberExpression' ? callee.property.name : callee.name;
  return VALUE_TAKERS.has(name) || FOREIGN.has(name) || (callee.type === 'MemberExpression' && FOREIGN_OBJECTS.has(callee.object.name));
}

export const booleanArgument = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { named: 'A bare `{{value}}` says nothing to the reader of this call. Pass a named option ({ isDirty: {{value}} }) or write two functions.' },
  },
  create(context) {
    const check = (node) => {
      if (isLetThrough(node.callee)) return;
      for (const argument of node.arguments) {
        if (typeof argument.value === 'boolean') context.report({ node: argument, messageId: 'named', data: { value: String(argument.value) } });
      }
    };
    return { CallExpression: check, NewExpression: check };
  },
};
