// Custom requests of the debug adapter, beside DAP's own: what the extension's views ask for. Types alone, so that any client may import them.

/** `pagewalk/zones`, no arguments: every zone of every node as it stands at this stop, and what is allocated above pages; an error answer
 *  (`notStopped`) while the machine runs. */
export interface ZonesResponse {
  nodes: NodeRow[];
  /** In the order of /proc/slabinfo: the newest first. */
  caches?: CacheRow[];
  pools?: PoolRow[];
  /** By address. */
  vmalloc?: AreaRow[];
}

/** A slab cache, as /proc/slabinfo counts: objects that the CPUs' arrays keep are active. */
export interface CacheRow {
  name: string;
  /** Bytes. */
  object_size: number;
  active_objs: number;
  num_objs: number;
  objs_per_slab: number;
  pages_per_slab: number;
  active_slabs: number;
  num_slabs: number;
}

export interface PoolRow {
  name: string;
  /** What its elements are, in words: `blocks of 8 KiB`. */
  of: string;
  min_nr: number;
  curr_nr: number;
  /** Tasks that wait for an element. */
  waiting: number;
}

/** An area of vmalloc space. */
export interface AreaRow {
  /** In hex: `0xf8800000`. */
  addr: string;
  /** Bytes, with the guard page. */
  size: number;
  /** Its own pages; 0 where it shows other memory. */
  nr_pages: number;
  /** By name: `VM_ALLOC`. */
  flags: string;
}

export interface NodeRow {
  id: number;
  zones: ZoneRow[];
}

/** A `struct zone`, under the kernel's field names; everything counted in pages. Zones without pages are listed too. */
export interface ZoneRow {
  /** As /proc spells it: `DMA`, `Normal`, `HighMem`. */
  name: string;
  start_pfn: number;
  spanned_pages: number;
  present_pages: number;
  free_pages: number;
  pages_min: number;
  pages_low: number;
  pages_high: number;
  /** By index of the zone that a request prefers. */
  lowmem_reserve: number[];
  free_area: FreeAreaRow[];
  pagesets: PagesetRow[];
}

/** `nr_free` blocks of 2^order pages. */
export interface FreeAreaRow {
  order: number;
  nr_free: number;
}

/** The lists of one CPU that orders of 0 are served from. */
export interface PagesetRow {
  cpu: number;
  hot: PerCpuPagesRow;
  cold: PerCpuPagesRow;
}

export interface PerCpuPagesRow {
  count: number;
  high: number;
  batch: number;
}
