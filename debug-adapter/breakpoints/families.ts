// Names that stand for more than the function of that name: callers reach the heart of a family by several ways, and a breakpoint on the family's
// name means every request, once (DESIGN.md, decision 3). A name that is not here means the function itself.

/** A family's name to the functions whose entries are meant. */
export const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  alloc_pages: ['__alloc_pages'],
  free_pages: ['__free_pages'],
};
