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

/** `pagewalk/processes`, no arguments: every process that has begun, ended ones as they were when they gave up their memory; an error answer
 *  (`notStopped`) while the machine runs, as for the three requests below. */
export interface ProcessesResponse {
  /** By pid. */
  processes: ProcessRow[];
}

export interface ProcessRow {
  pid: number;
  /** The scenario's name of it: `hog`, `hog.0`. */
  name: string;
  /** As ps shows it: `R`, `S`, `D`, `Z`. */
  state: string;
  /** What it waits for, in words, or ''. */
  waits_for: string;
  /** The signal that ended it, or 0. */
  signal: number;
  /** Pages: of address space, resident, and resident of either sort. */
  total_vm: number;
  rss: number;
  anon_rss: number;
  file_rss: number;
  /** Tables of the lowest level. */
  nr_ptes: number;
  min_flt: number;
  maj_flt: number;
  nr_vmas: number;
  /** Whether it is the task that runs. */
  isCurrent: boolean;
}

/** Arguments of `pagewalk/vmas`. */
export interface VmasArguments {
  pid: number;
}

/** `pagewalk/vmas`: the memory areas of a process by address. */
export interface VmasResponse {
  vmas: VmaRow[];
}

/** Addresses are in hex with their architecture's digits: `0xb7e20000`. */
export interface VmaRow {
  start: string;
  end: string;
  /** As /proc/PID/maps writes it: `rw-p`. */
  permissions: string;
  /** Its file, `[heap]`, `[stack]`, or ''. */
  name: string;
  /** By name: `VM_READ|VM_WRITE`. */
  flags: string;
  pages: number;
  /** Of those: present, and with the dirty bit set. */
  rss: number;
  dirty: number;
}

/** Arguments of `pagewalk/pageTables`: a process, and the first address of one of its areas. */
export interface PageTablesArguments {
  pid: number;
  start: string;
}

/** `pagewalk/pageTables`: the tables of the lowest level that serve an area; none for a process that has ended. */
export interface PageTablesResponse {
  tables: PageTableRow[];
}

export interface PageTableRow {
  /** The area's part that this table serves. */
  start: string;
  end: string;
  /** The frame that the table lies in. */
  pfn: number;
  /** Entries of that part. */
  present: number;
  swapped: number;
}

/** Arguments of `pagewalk/pageTable`: a process, and the part of an area that one table serves. */
export interface PageTableArguments {
  pid: number;
  start: string;
  end: string;
}

/** `pagewalk/pageTable`: the entries that are not empty, by address. */
export interface PageTableResponse {
  entries: PteRow[];
}

export interface PteRow {
  address: string;
  /** The entry as the hardware holds it. */
  value: string;
  /** Its bits by name: `PRESENT|RW|USER|ACCESSED|DIRTY`. */
  bits: string;
  /** The page it names; null for an entry that is not present. */
  page: PageRow | null;
}

/** A `struct page`. */
export interface PageRow {
  pfn: number;
  zone: string;
  /** By name: `PG_uptodate|PG_lru`. */
  flags: string;
  count: number;
  mapcount: number;
  /** What it belongs to, in words. */
  mapping: string;
  index: number;
}

// ---- the page cache ---------------------------------------------------------------------------------------------------

/** Arguments of `pagewalk/files`: the first files to tell of, by path, and how many at most (all from the first, where they are left out). */
export interface FilesArguments {
  start?: number;
  count?: number;
}

/** `pagewalk/files`: files that have pages in the page cache; an error answer (`notStopped`) while the machine runs, as for the others below. */
export interface FilesResponse {
  /** By path. */
  files: CachedFileRow[];
  /** How many files have pages in the cache, told of or not. */
  total: number;
  dirty: DirtyRow;
}

/** Dirty pages of files against the limits of writers, all in pages (get_dirty_limits). */
export interface DirtyRow {
  nr_dirty: number;
  nr_writeback: number;
  background_thresh: number;
  dirty_thresh: number;
}

/** How many pages of a stretch of a file are in the page cache, and how many of those are dirty, under write-back, and in somebody's page tables. */
export interface CacheCounts {
  cached: number;
  dirty: number;
  writeback: number;
  mapped: number;
  strip: StripRow;
}

/** A stretch of a file drawn from its first to its last page: a cell says of its pages what is most urgent. */
export interface StripRow {
  cells: CellState[];
  /** A power of two. The last cell may stand for fewer. */
  pages_per_cell: number;
}

/** By urgency. `partial`: some pages are cached, all clean, and some are not; `reading`: the disk has not delivered it yet. */
export type CellState = 'absent' | 'partial' | 'clean' | 'mapped' | 'reading' | 'dirty' | 'writeback' | 'error';

export interface CachedFileRow extends CacheCounts {
  ino: number;
  path: string;
  /** Name of its disk, or '' for a file that lives in memory. */
  disk: string;
  /** Bytes, and in pages. */
  size: number;
  pages: number;
}

/** Arguments of `pagewalk/filePages`: pages `start` up to `end` of a file. */
export interface FilePagesArguments {
  ino: number;
  start: number;
  end: number;
}

/** `pagewalk/filePages`: the pages that are cached by index; or, where they are many, the parts of the stretch that hold any, each to be asked for in
 *  its turn. One of the two is empty; neither is ever longer than a screenful or two. */
export interface FilePagesResponse {
  ranges: FileRangeRow[];
  pages: CachedPageRow[];
}

export interface FileRangeRow extends CacheCounts {
  start: number;
  end: number;
}

export interface CachedPageRow extends PageRow {
  state: CellState;
  /** Which list it is on, in words: `active list`, `pagevec of CPU 0`, or '' for none. */
  lru: string;
}

// ---- the LRU lists ----------------------------------------------------------------------------------------------------

/** `pagewalk/lru`, no arguments: how long the lists of each zone are, and what waits in pagevecs to come onto them. */
export interface LruResponse {
  /** Zones with pages, by node. */
  zones: LruZoneRow[];
  /** By CPU. */
  pagevecs: LruPagevecsRow[];
}

/** A zone's lists, under the kernel's field names; counted in pages. */
export interface LruZoneRow {
  node: number;
  zone_idx: number;
  name: string;
  nr_active: number;
  nr_inactive: number;
  /** What the next scans have to look at, counted up until it is worth it. */
  nr_scan_active: number;
  nr_scan_inactive: number;
  /** Looked at since a page of the zone was last freed. */
  pages_scanned: number;
  prev_priority: number;
  all_unreclaimable: boolean;
}

export interface LruPagevecsRow {
  cpu: number;
  /** Pages in lru_add_pvecs, for inactive lists, and in lru_add_active_pvecs. */
  inactive: number;
  active: number;
}

/** Which list: one of a zone's, or one of a CPU's pagevecs. */
export type LruList = { list: 'active' | 'inactive'; node: number; zone_idx: number } | { list: 'lru_add' | 'lru_add_active'; cpu: number };

/** Arguments of `pagewalk/lruPages`: places `start` up to `end` of a list, counted from its head. */
export type LruPagesArguments = LruList & { start: number; end: number };

/** `pagewalk/lruPages`: the pages from head to tail; or, where they are many, parts of the stretch. One of the two is empty. */
export interface LruPagesResponse {
  ranges: LruRangeRow[];
  pages: LruPageRow[];
}

/** Places of a list, and what stands there: shares of its pages. */
export interface LruRangeRow {
  start: number;
  end: number;
  file: number;
  anonymous: number;
  referenced: number;
  dirty: number;
  writeback: number;
}

export interface LruPageRow extends PageRow {
  /** Its place, from the list's head. */
  place: number;
  /** Letters of what is true of it, in this order: `r` referenced, `d` dirty, `w` under write-back, `l` locked, `a` anonymous, `f` of a file,
   *  `m` mapped. */
  letters: string;
  /** Whose it is: `/var/log/big page 12`, `hog 0xb7e20000`. */
  owner: string;
}
