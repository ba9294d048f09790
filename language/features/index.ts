// The door of the editor features: pure functions over a checked scenario, in offsets; the server turns them into the protocol.
export { completionsAt } from './completion.ts';
export type { Suggestion, SuggestionKind } from './completion.ts';
export { fixFor } from './fixes.ts';
export { hoverAt } from './hover.ts';
export type { Hover } from './hover.ts';
export { foldsOf, namesOf, outlineOf } from './outline.ts';
export type { NameKind, OutlineItem, OutlineKind } from './outline.ts';
export { definitionsAt, newNameProblem, referencesAt, renameable } from './symbols.ts';
export type { Location } from './symbols.ts';
