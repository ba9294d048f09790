// Where a node of the tree stands in the text.
import { GrammarUtils } from 'langium';
import type { AstNode } from 'langium';
import { isBinary } from './generated/ast.ts';
import type { Range } from './source.ts';

/** The range of a node. The operands of one chain of operators share a range in the tree, so theirs is put together from its ends. */
export function rangeOf(node: AstNode): Range {
  if (isBinary(node) && node.left !== undefined && node.right !== undefined) return { start: rangeOf(node.left).start, end: rangeOf(node.right).end };
  return rangeFrom(node.$cstNode);
}

/** The range of what was read into `property`, or of the whole node when it was left out. For a list, that of its item `index`. */
export function rangeOfProperty(node: AstNode, property: string, index?: number): Range {
  const found = GrammarUtils.findNodeForProperty(node.$cstNode, property, index);
  return found === undefined ? rangeOf(node) : { start: found.offset, end: found.end };
}

/** The range of the first word of a node: `for`, `process`. */
export function rangeOfKeyword(node: AstNode, keyword: string): Range {
  const found = GrammarUtils.findNodeForKeyword(node.$cstNode, keyword);
  return found === undefined ? rangeOf(node) : { start: found.offset, end: found.end };
}

function rangeFrom(cst: AstNode['$cstNode']): Range {
  return cst === undefined ? { start: 0, end: 0 } : { start: cst.offset, end: cst.end };
}
